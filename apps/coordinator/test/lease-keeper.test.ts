import { leaseMs } from '@elbo/coordinator/lease';
import { keepLeaseDuring } from '@elbo/coordinator/lease-keeper';
import type { Lease } from '@elbo/transport/conductor-transport';
import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a lease is kept while the data set of its run is made, and no longer', async () => {
  const { store } = createEmbeddedTransport();
  const lease = (await store.acquireLease('run-1', 'one', leaseMs)) as Lease;
  let made = (_: string) => {};
  const opening = keepLeaseDuring(store, lease, new Promise<string>((resolve) => (made = resolve)));
  await vi.advanceTimersByTimeAsync(10 * leaseMs);
  expect(await store.acquireLease('run-1', 'another', leaseMs)).toBeNull();
  made('the data set');
  expect(await opening).toBe('the data set');
  await vi.advanceTimersByTimeAsync(leaseMs + 1);
  expect(await store.acquireLease('run-1', 'another', leaseMs)).not.toBeNull();
});
