import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { locateRedis } from '@elbo/transport/redis/locate-redis';
import { claimPrivatePrefix, sweepPrivatePrefixes } from '@elbo/transport/redis/private-prefix';
import { plural } from '../progress/format.js';
import type { Cluster } from './cluster.js';
import { startTracing } from './tracing.js';
import { WorkerProcess } from './worker-process.js';

export interface LocalRedisOptions {
  /** Of every key: one that nothing else has. */
  readonly prefix: string;
  readonly redis: true | string;
  readonly workers: number | null;
  readonly threads: number | null;
}

/**
 * A cluster for one run on this machine: this process coordinates, worker processes of its own do the work, and
 * everything goes through BullMQ on Redis, under a key prefix and a token that only they know.
 */
export async function launchLocalRedis(
  options: LocalRedisOptions,
  notice: (message: string) => void,
): Promise<Cluster> {
  const cores = availableParallelism();
  const workers = options.workers ?? Math.min(2, cores);
  const threads = options.threads ?? Math.max(1, Math.floor(cores / workers));
  const redis = await locateRedis(options.redis === true ? undefined : options.redis);
  notice(`redis: ${redis.how}; ${plural(workers, 'worker process', 'worker processes')}`);
  const { prefix } = options;
  const token = randomBytes(32).toString('hex');
  const swept = await sweepPrivatePrefixes(redis.url);
  if (swept.length > 0) notice(`removed from Redis what was left of ${plural(swept.length, 'killed run')}`);
  const claim = await claimPrivatePrefix(redis.url, prefix);
  const tracing = await startTracing('elbo-coordinator', process.env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const telemetry = tracing?.telemetry;
  const release = async () => {
    await claim.release();
    await redis.stop();
    await tracing?.stop();
  };
  const connecting = createRedisConductorTransport({ redisUrl: redis.url, prefix, token, telemetry });
  const transport = await connecting.catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const processes = Array.from({ length: workers }, (_, i) => {
    return new WorkerProcess({ redisUrl: redis.url, prefix, token, threads, workerId: `worker-${i + 1}` });
  });
  return {
    transport,
    workers,
    threads,
    failure: Promise.race(processes.map((process) => process.failure)),
    async close() {
      await Promise.all(processes.map((process) => process.stop()));
      await transport.close();
      await release();
    },
  };
}
