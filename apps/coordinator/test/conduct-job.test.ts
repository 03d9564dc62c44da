import { leaseMs } from '@elbo/coordinator/lease';
import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { expect, it, vi } from 'vitest';
import { ConductedRun, specOf } from '../../../tests/support/conducted-run.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

it('a run whose channel cannot be opened fails, and its lease is renewed no more', async () => {
  const transport = createEmbeddedTransport();
  const spec = specOf({
    dataset: { name: 'gaussian-mixture', limit: 200 },
    model: { likelihood: { kind: 'gaussian' } },
    training: { epochs: 1, globalBatchSize: 32 },
  });
  const openRun = () => Promise.reject(new Error('WRONGTYPE'));
  await expect(new ConductedRun({ ...transport, openRun }, spec, 'unopened').ended).rejects.toThrow('WRONGTYPE');
  const renew = vi.spyOn(transport.store, 'renewLease');
  await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
  expect(renew).not.toHaveBeenCalled();
  await transport.close();
});
