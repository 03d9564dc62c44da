import { setImmediate } from 'node:timers/promises';
import { leaseMs } from '@elbo/coordinator/lease';
import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { expect, it, vi } from 'vitest';
import { ConductedRun, forgetfulArtefacts, specOf } from '../../../tests/support/conducted-run.js';
import { EmbeddedTestCluster } from '../../../tests/support/embedded-cluster.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

const spec = specOf({
  dataset: { name: 'gaussian-mixture', limit: 200 },
  model: { likelihood: { kind: 'gaussian' } },
  training: { epochs: 2, globalBatchSize: 32 },
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

it('nothing is written to a folder that is left, when a save fails while the save of an epoch waits for it', async () => {
  const cluster = new EmbeddedTestCluster();
  cluster.join('a');
  const done: string[] = [];
  let fillDisk = () => {};
  const saving = new Promise<string>((_, reject) => (fillDisk = () => reject(new Error('ENOSPC'))));
  saving.catch(() => {}); // it may fail before anybody waits for it
  const run = new ConductedRun(cluster.transport, spec, 'full-disk', {
    ...cluster.surroundings,
    checkpointIntervals: { redis: 0, folder: 0 },
    openArtefacts: async () => ({
      ...forgetfulArtefacts,
      saveCheckpoint: ({ step }) => {
        return (step === 1 ? saving : setImmediate('')).finally(() => done.push(`save of step ${step}`));
      },
      // Where the epoch is drawn all its steps are done: its save comes next.
      drawEpoch: async () => {
        const later = async () => {
          for (let turn = 0; turn < 5; turn++) await setImmediate();
          fillDisk();
        };
        void later();
        return null;
      },
      close: async (end) => {
        done.push(end);
      },
    }),
  });
  await expect(run.ended).rejects.toThrow('ENOSPC');
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  expect(done.at(0)).toBe('save of step 1');
  expect(done.at(-1)).toBe('stopped');
  await cluster.close();
});
