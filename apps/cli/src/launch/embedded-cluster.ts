import { availableParallelism } from 'node:os';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { defaultLogger } from '@elbo/transport/log';
import type { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import type { SharedUpdateRefs } from '@elbo/vae-core/optimizers/shared-update';
import { workerBuffers } from '@elbo/vae-core/steps/kept-buffers';
import { CallingPool } from '@elbo/worker/threads/calling-pool';
import { Worker } from '@elbo/worker/worker';
import type { Cluster } from './cluster.js';

/** Coordinator, in-process queue and Piscina threads in this process: nothing to install, nothing to connect to. */
export async function launchEmbedded(
  wantedThreads: number | null,
  notice: (message: string) => void,
): Promise<Cluster> {
  const threads = wantedThreads ?? availableParallelism();
  const transport = createEmbeddedTransport();
  const shared = new Map<string, { arena: TensorArena; update: SharedUpdateRefs; dataset: PackedDataset }>();
  const of = (runId: string) => {
    const run = shared.get(runId);
    if (!run) throw new Error(`run ${runId} is not conducted in this process`);
    return run;
  };
  let refused: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => (refused = reject));
  failure.catch(() => {}); // it is the run's to wait for
  const worker = new Worker(transport.worker(), {
    workerId: 'embedded',
    threads,
    pool: new CallingPool(threads),
    onRefused: (error) => refused(error),
    log: defaultLogger('worker').child({ workerId: 'embedded' }),
    surroundings: {
      openDataset: async (_hash, membership) => of(membership.run.runId).dataset.buffer,
      sharedRun: of,
    },
  });
  notice('embedded: coordinator, queue and threads in one process (--redis goes through BullMQ)');
  return {
    transport,
    workers: 0,
    threads,
    guestBuffers: workerBuffers(threads),
    failure,
    onRun: (run, { arena, optimizer }, dataset) => shared.set(run.runId, { arena, update: optimizer.shared, dataset }),
    async close() {
      await worker.close();
      await transport.close();
    },
  };
}
