import { createHash } from 'node:crypto';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import { bytesOf, type RunState } from '../run-state.js';
import { type Build, type CheckpointHeader, checkpointVersion, type EpochProgress } from './header.js';
import { specSha256 } from './spec-hash.js';

/** Bytes of a run's parameters and optimiser state together. */
export function checkpointTensorBytes(state: RunState): number {
  return state.tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
}

/**
 * Copies the state into `target`, which holds checkpointTensorBytes, and describes it: the run may go on at once, and
 * the checkpoint is good until `target` is used again.
 */
export function takeCheckpoint(
  run: ResolvedRun,
  state: RunState,
  epoch: EpochProgress,
  target: Uint8Array,
  build: Build | null = null,
): RunSnapshot {
  const tensors: CheckpointHeader['tensors'] = [];
  let end = 0;
  for (const { name, data } of state.tensors) {
    target.set(bytesOf(data), end);
    tensors.push({ name, dtype: 'F32', shape: [data.length], offsets: [end, end + data.byteLength] });
    end += data.byteLength;
  }
  const header: CheckpointHeader = {
    format: 'elbo-checkpoint',
    version: checkpointVersion,
    runId: run.runId,
    step: state.step,
    specSha256: specSha256(run.spec),
    datasetSha256: run.datasetHash,
    epoch,
    ...(build ? { build } : {}),
    tensors,
    tensorsSha256: createHash('sha256').update(target).digest('hex'),
  };
  return { step: state.step, meta: JSON.stringify(header), tensors: target };
}
