import { leaseMs } from '@elbo/coordinator/lease';
import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { expect, it, vi } from 'vitest';
import { ConductedRun, specOf } from '../../../tests/support/conducted-run.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

const spec = specOf({
  dataset: { name: 'gaussian-mixture', limit: 200 },
  model: { likelihood: { kind: 'gaussian' } },
  training: { epochs: 1, globalBatchSize: 32 },
});

it('a run whose snapshot takes longer to load than the lease lasts keeps its lease', async () => {
  const transport = createEmbeddedTransport();
  let taken: unknown;
  vi.spyOn(transport.store, 'loadSnapshot').mockImplementation(async (runId) => {
    await new Promise((resolve) => setTimeout(resolve, leaseMs + 200));
    taken = await transport.store.acquireLease(runId, 'another', leaseMs);
    return null;
  });
  const openRun = () => Promise.reject(new Error('it gets so far'));
  const run = new ConductedRun({ ...transport, kind: 'redis', openRun }, spec, 'slow-to-load');
  await expect(run.ended).rejects.toThrow('it gets so far');
  expect(taken).toBeNull();
  await transport.close();
});

it('a run whose channel cannot be opened fails, and its lease is renewed no more', async () => {
  const transport = createEmbeddedTransport();
  const openRun = () => Promise.reject(new Error('WRONGTYPE'));
  await expect(new ConductedRun({ ...transport, openRun }, spec, 'unopened').ended).rejects.toThrow('WRONGTYPE');
  const renew = vi.spyOn(transport.store, 'renewLease');
  await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
  expect(renew).not.toHaveBeenCalled();
  await transport.close();
});
