import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFileHead, readCheckpointFile } from '@elbo/coordinator/checkpoint/file-format';
import type { CheckpointCandidate } from '@elbo/coordinator/checkpoint/restore';
import { CheckpointError } from '@elbo/coordinator/errors';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import { writeFileAtomically } from './write-file-atomically.js';

const kept = 2;
const namePattern = /^checkpoint-(\d{9,16})\.elbo$/;

/** The checkpoints of a run folder: checkpoint-<step>.elbo, the newest and the one before it. */
export async function listCheckpoints(folder: string): Promise<CheckpointCandidate[]> {
  return (await stepsOf(folder)).map((step) => {
    const where = pathOf(folder, step);
    return { where, step, load: (maxTensorBytes) => load(where, maxTensorBytes) };
  });
}

/**
 * Writes a checkpoint, and then removes those older than the one before it.
 * @param fence Called when the file is written and before it gets its name. @throws RunFolderError, or what `fence` throws
 */
export async function writeCheckpoint(
  folder: string,
  checkpoint: RunSnapshot,
  fence: () => Promise<void>,
): Promise<string> {
  const path = pathOf(folder, checkpoint.step);
  await writeFileAtomically(path, [checkpointFileHead(checkpoint), checkpoint.tensors], fence);
  for (const step of (await stepsOf(folder)).slice(kept)) await rm(pathOf(folder, step), { force: true });
  return path;
}

export async function removeCheckpoints(folder: string): Promise<void> {
  for (const step of await stepsOf(folder)) await rm(pathOf(folder, step), { force: true });
}

/** The newest first. */
async function stepsOf(folder: string): Promise<number[]> {
  const steps = (await readdir(folder)).map((name) => Number(namePattern.exec(name)?.[1] ?? Number.NaN));
  return steps.filter((step) => Number.isSafeInteger(step)).sort((a, b) => b - a);
}

function pathOf(folder: string, step: number): string {
  return join(folder, `checkpoint-${String(step).padStart(9, '0')}.elbo`);
}

async function load(path: string, maxTensorBytes: number): Promise<RunSnapshot> {
  const file = await open(path, 'r').catch((error: Error) => {
    throw new CheckpointError(path, 'damaged', `it cannot be opened (${error.message})`);
  });
  try {
    const { size } = await file.stat();
    const read = async (target: Uint8Array, position: number) => {
      return (await file.read(target, 0, target.length, position)).bytesRead;
    };
    return await readCheckpointFile({ size, read }, path, maxTensorBytes);
  } finally {
    await file.close();
  }
}
