import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunPictures } from './run-pictures.js';
import { isTemporary, notWritten, writeFileAtomically } from './write-file-atomically.js';

const folderName = 'pictures';
const mostEpochs = 50;
const namePattern = /^epoch-(\d{4,7})-(samples|reconstructions)\.png$/;

/**
 * Whether a run draws pictures of this epoch: every one of a short run; fifty at most of a long one, the first and the
 * last among them, and closer together at its beginning, where most changes.
 */
export function isPictured(epoch: number, epochs: number): boolean {
  if (epochs <= mostEpochs) return true;
  const last = mostEpochs - 1;
  return Array.from({ length: mostEpochs }, (_, i) => Math.round(epochs ** (i / last))).includes(epoch);
}

/**
 * Writes pictures/epoch-0003-samples.png and the like, where there is a picture.
 * @throws RunFolderError, or what `fence` throws
 */
export async function writeEpochPictures(
  runFolder: string,
  epoch: number,
  pictures: RunPictures,
  fence: () => Promise<void>,
): Promise<void> {
  const folder = join(runFolder, folderName);
  for (const [kind, picture] of Object.entries(pictures)) {
    if (!('png' in picture)) continue;
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw notWritten(folder, error);
    });
    await writeFileAtomically(join(folder, `epoch-${String(epoch).padStart(4, '0')}-${kind}.png`), picture.png, fence);
  }
}

/** The epochs that a run folder has both pictures of, in order. */
export async function listEpochPictures(runFolder: string): Promise<number[]> {
  const found = await picturesOf(runFolder);
  const both = (epoch: number) => found.filter((picture) => picture.epoch === epoch).length === 2;
  return [...new Set(found.map(({ epoch }) => epoch))].filter(both).sort((a, b) => a - b);
}

/** Removes pictures of epochs that the run goes back behind, and what a process left when it died. */
export async function removePicturesAfter(runFolder: string, epoch: number): Promise<void> {
  const folder = join(runFolder, folderName);
  const late = (await picturesOf(runFolder)).filter((picture) => picture.epoch > epoch).map(({ name }) => name);
  const torn = (await namesIn(folder)).filter(isTemporary);
  for (const name of [...late, ...torn]) await rm(join(folder, name), { force: true });
}

async function picturesOf(runFolder: string): Promise<{ name: string; epoch: number }[]> {
  return (await namesIn(join(runFolder, folderName))).flatMap((name) => {
    const [, digits] = namePattern.exec(name) ?? [];
    return digits === undefined ? [] : [{ name, epoch: Number(digits) }];
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw notWritten(folder, error);
  });
}
