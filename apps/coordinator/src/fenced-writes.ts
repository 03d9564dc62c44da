import type { Lease, RunSnapshot, RunStore } from '@elbo/transport/conductor-transport';
import { LeaseLostError, RedisFullError, SnapshotTooLongError } from '@elbo/transport/errors';
import { leaseMs } from './lease.js';
import type { Notice } from './notice.js';

/**
 * Makes a fenced write. A lease that ran out while nobody else took the run (Redis was away for longer, or came back
 * without its data) is renewed first; one that another coordinator holds stays lost.
 */
export async function fencedWrite<T>(store: RunStore, lease: Lease, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof LeaseLostError) || error.holder !== null) throw error;
    await store.renewLease(lease, leaseMs);
    return write();
  }
}

/**
 * Where a run's snapshots go. A full Redis costs the newest one, not the run: the one before it stays. One that is too
 * long for Redis costs all of them, which is said once: the run folder's checkpoints are left.
 */
export function snapshotStore(store: RunStore, notice: Notice): Pick<RunStore, 'saveSnapshot'> {
  let tooLong = false;
  return {
    async saveSnapshot(lease: Lease, snapshot: RunSnapshot): Promise<void> {
      try {
        await fencedWrite(store, lease, () => store.saveSnapshot(lease, snapshot));
      } catch (error) {
        const { message } = error as Error;
        if (error instanceof RedisFullError) {
          notice('warning', 'snapshot-not-saved', `${message}. The run goes on; its snapshot before this one stays`);
        } else if (error instanceof SnapshotTooLongError) {
          if (!tooLong)
            notice('warning', 'snapshot-not-saved', `${message}. The run goes on with its folder's checkpoints`);
          tooLong = true;
        } else throw error;
      }
    },
  };
}
