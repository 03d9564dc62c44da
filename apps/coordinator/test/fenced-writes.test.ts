import { snapshotStore } from '@elbo/coordinator/fenced-writes';
import type { Lease, RunStore } from '@elbo/transport/conductor-transport';
import { SnapshotTooLongError } from '@elbo/transport/errors';
import { expect, it } from 'vitest';

it('a snapshot that is too long for Redis costs the snapshots and not the run, and is said once', async () => {
  const lease: Lease = { runId: 'run-a', token: 1, owner: 'test' };
  const saveSnapshot = () => Promise.reject(new SnapshotTooLongError('run-a', 2 ** 30));
  const said: string[] = [];
  const snapshots = snapshotStore({ saveSnapshot } as unknown as RunStore, (_, code, message) => {
    said.push(`${code}: ${message}`);
  });
  for (let step = 1; step < 4; step++) {
    await snapshots.saveSnapshot(lease, { step, meta: '{}', tensors: new Uint8Array(1) });
  }
  expect(said.length).toBe(1);
  expect(said[0]).toMatch(
    /^snapshot-not-saved: .*1073741824 bytes.*proto-max-bulk-len.*The run goes on with its folder/,
  );
});
