import { once } from 'node:events';
import { availableParallelism, hostname } from 'node:os';
import { assertWorkerFits } from '@elbo/coordinator/memory-ceiling';
import { DatasetCache } from '@elbo/datasets/cache';
import { obtainDataset } from '@elbo/datasets/fetched/obtain-dataset';
import { defaultLogger, keepSecret } from '@elbo/transport/log';
import type { QueueTelemetry } from '@elbo/transport/redis/telemetry';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Worker } from '@elbo/worker/worker';

/** How often the cluster hears of a worker. */
const reportMs = 2000;

export interface ServeWorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  readonly threads: number | null;
  readonly workerId: string | null;
  readonly telemetry?: QueueTelemetry | undefined;
  /** Of the data sets that it keeps on disk, bytes; the one of ELBO_CACHE_LIMIT when left out. */
  readonly cacheLimit?: number | undefined;
}

/** Serves as a worker until the signal is aborted, then finishes the shards it has and ends. */
export async function serveWorker(options: ServeWorkerOptions, signal: AbortSignal): Promise<void> {
  const { redisUrl, prefix, token, threads, telemetry } = options;
  let refused: (error: Error) => void = () => {};
  const refusal = new Promise<never>((_, reject) => (refused = reject));
  refusal.catch(() => {}); // it is raced below
  const workerId = options.workerId ?? `${hostname()}-${process.pid}`;
  keepSecret(token);
  const log = defaultLogger('worker').child({ workerId });
  const logger = defaultLogger('transport').child({ workerId });
  const cache = new DatasetCache(undefined, options.cacheLimit);
  const transport = await createRedisWorkerTransport({ redisUrl, prefix, token, logger, telemetry });
  const worker = new Worker(transport, {
    workerId,
    ...(threads === null ? {} : { threads }),
    log,
    onRefused: refused,
    surroundings: {
      async openDataset(hash, membership) {
        const { run, signal } = membership;
        assertWorkerFits(run, threads ?? availableParallelism());
        const onWarning = (message: string) => log.warn({ hash }, message);
        const source = (from: number) => membership.fetchDataset(hash, from);
        return (await obtainDataset(hash, source, { cache, signal, onWarning })).buffer;
      },
    },
  });
  const report = () => {
    transport
      .report(worker.report())
      .catch((error: unknown) => log.debug({ err: error }, 'nobody was told of this worker'));
  };
  report();
  const reporting = setInterval(report, reportMs);
  try {
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), refusal]);
  } finally {
    clearInterval(reporting);
    await worker.close();
  }
}
