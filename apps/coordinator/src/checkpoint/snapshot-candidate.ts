import type { RunStore } from '@elbo/transport/conductor-transport';
import { SnapshotCorruptError } from '@elbo/transport/errors';
import { CheckpointError } from '../errors.js';
import type { CheckpointCandidate } from './restore.js';

const where = 'the snapshot in Redis';

/** The snapshot that the store has of a run, if any. */
export async function snapshotCandidates(store: RunStore, runId: string): Promise<CheckpointCandidate[]> {
  try {
    const snapshot = await store.loadSnapshot(runId);
    return snapshot ? [{ where, step: snapshot.step, load: async () => snapshot }] : [];
  } catch (error) {
    if (!(error instanceof SnapshotCorruptError)) throw error;
    const refusal = new CheckpointError(where, 'damaged', error.message);
    return [{ where, step: Number.MAX_SAFE_INTEGER, load: () => Promise.reject(refusal) }];
  }
}
