import { createHash } from 'node:crypto';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import { stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import { CheckpointError, DatasetChangedError, NoUsableCheckpointError } from '../errors.js';
import { bytesOf, type RunState } from '../run-state.js';
import { type Build, type CheckpointHeader, type EpochProgress, readHeader } from './header.js';
import { specSha256 } from './spec-hash.js';
import { checkpointTensorBytes } from './take-checkpoint.js';

/** A checkpoint that may be gone on from. */
export interface CheckpointCandidate {
  /** A file's path, or `the snapshot in Redis`. */
  readonly where: string;
  /** The step it claims: the newest is tried first. */
  readonly step: number;
  /** @throws CheckpointError */
  load(maxTensorBytes: number): Promise<RunSnapshot>;
}

export interface Restored {
  /** Null: there was none, and the run begins at step 0. */
  readonly where: string | null;
  readonly epoch: EpochProgress | null;
  /** What computed it so far. */
  readonly build: Build | null;
  /** Newer ones that could not be used. */
  readonly refused: readonly CheckpointError[];
}

/**
 * Restores the state from the newest checkpoint that holds.
 * @throws NoUsableCheckpointError when there are some and none holds; the state is untouched then
 * @throws DatasetChangedError
 */
export async function restoreNewest(
  candidates: readonly CheckpointCandidate[],
  run: ResolvedRun,
  state: RunState,
): Promise<Restored> {
  const refused: CheckpointError[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.step - a.step)) {
    try {
      const snapshot = await candidate.load(checkpointTensorBytes(state));
      const { epoch, build = null } = restore(snapshot, run, state, candidate.where);
      return { where: candidate.where, epoch, build, refused };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      refused.push(error);
    }
  }
  if (refused.length > 0) throw new NoUsableCheckpointError(run.runId, refused);
  return { where: null, epoch: null, build: null, refused };
}

/** Checks that a checkpoint is whole and of this run, and then takes it over. @throws CheckpointError, DatasetChangedError */
function restore(snapshot: RunSnapshot, run: ResolvedRun, state: RunState, where: string): CheckpointHeader {
  const header = readHeader(snapshot.meta, where);
  assertOfThisRun(header, run, state, where);
  const bytes = checkpointTensorBytes(state);
  if (snapshot.tensors.length !== bytes) {
    throw new CheckpointError(where, 'damaged', `it has ${snapshot.tensors.length} bytes of tensors, not ${bytes}`);
  }
  if (createHash('sha256').update(snapshot.tensors).digest('hex') !== header.tensorsSha256) {
    throw new CheckpointError(where, 'damaged', 'its tensors do not have their checksum');
  }
  for (const [i, { data }] of state.tensors.entries()) {
    const [begin, end] = header.tensors[i]?.offsets ?? [0, 0];
    bytesOf(data).set(snapshot.tensors.subarray(begin, end));
  }
  state.step = header.step;
  return header;
}

function assertOfThisRun(header: CheckpointHeader, run: ResolvedRun, state: RunState, where: string): void {
  const foreign = (why: string) => new CheckpointError(where, 'foreign', why);
  const { training, model } = run.spec;
  if (header.runId !== run.runId) throw foreign(`it is of run ${header.runId}, not ${run.runId}`);
  const tensorsOf = (tensors: readonly { readonly name: string; readonly elements: number }[]) =>
    tensors.map(({ name, elements }) => `${name} of ${elements}`).join(', ');
  const held = tensorsOf(
    header.tensors.map(({ name, shape }) => ({ name, elements: shape.reduce((a, b) => a * b, 1) })),
  );
  const needed = tensorsOf(state.tensors.map(({ name, data }) => ({ name, elements: data.length })));
  if (held !== needed) throw foreign(`it holds the tensors ${held}; this model and optimiser have ${needed}`);
  if (header.specSha256 !== specSha256(run.spec)) throw foreign('it was saved under another spec');
  if (header.datasetSha256 !== run.datasetHash) {
    throw new DatasetChangedError(run.runId, run.spec.dataset.name, header.datasetSha256, run.datasetHash);
  }
  const perEpoch = stepsPerEpoch(run.trainExamples, training.globalBatchSize);
  if (header.step > perEpoch * training.epochs) throw foreign(`its step ${header.step} is past the run's end`);
  const { terms } = header.epoch;
  // At an epoch's end they are there until its report is made.
  const stepOfEpoch = header.step === 0 ? 0 : ((header.step - 1) % perEpoch) + 1;
  const examples = Math.min(stepOfEpoch * training.globalBatchSize, run.trainExamples);
  // Fewer where a spec lets steps be skipped.
  if ((terms?.sampleCount ?? 0) > examples || (terms && terms.klPerDimension.length !== model.latentDim)) {
    throw new CheckpointError(where, 'damaged', `its sums of the epoch are not those of step ${header.step}`);
  }
}
