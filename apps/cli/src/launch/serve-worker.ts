import { once } from 'node:events';
import { hostname } from 'node:os';
import { adoptPacked, findCached } from '@elbo/datasets/catalog';
import { defaultLogger } from '@elbo/transport/log';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Worker } from '@elbo/worker/worker';

export interface ServeWorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  readonly threads: number | null;
  readonly workerId: string | null;
}

/** Serves as a worker until the signal is aborted, then finishes the shards it has and ends. */
export async function serveWorker(options: ServeWorkerOptions, signal: AbortSignal): Promise<void> {
  const { redisUrl, prefix, token, threads } = options;
  let refused: (error: Error) => void = () => {};
  const refusal = new Promise<never>((_, reject) => (refused = reject));
  refusal.catch(() => {}); // it is raced below
  const workerId = options.workerId ?? `${hostname()}-${process.pid}`;
  const transport = await createRedisWorkerTransport({ redisUrl, prefix, token });
  const worker = new Worker(transport, {
    workerId,
    ...(threads === null ? {} : { threads }),
    log: defaultLogger('worker'),
    onRefused: refused,
    surroundings: {
      async openDataset(hash, membership) {
        const dataset = (await findCached(hash)) ?? (await adoptPacked(hash, await membership.fetchDataset(hash)));
        return dataset.buffer;
      },
    },
  });
  try {
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), refusal]);
  } finally {
    await worker.close();
  }
}
