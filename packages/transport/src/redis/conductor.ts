import { type Priority, type ResolvedRun, type RunJob, type RunOrder, runJobSchema } from '@elbo/protocol/messages';
import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ConductorTransport, Lease, RunChannel, RunConductor, RunHooks } from '../conductor-transport.js';
import { DataPlaneServer } from '../data-plane/data-plane-server.js';
import { RefusalCounter } from '../data-plane/refusal-counter.js';
import { RunEndpoint } from '../data-plane/run-endpoint.js';
import { defaultLogger, type Logger } from '../log.js';
import type { RunDirectoryWriter } from '../run-directory.js';
import { connectRedis } from './connection.js';
import { namingFull, requireNoEviction } from './full-redis.js';
import { createQueueWorker } from './queue-worker.js';
import {
  type BoardQueue,
  logErrorsOf,
  queueNames,
  runJobOptions,
  runsQueue,
  runWorkerOptions,
  shardsQueue,
} from './queues.js';
import { RedisRunChannel, removeShardJobs } from './redis-run-channel.js';
import { RedisRunStore } from './redis-run-store.js';
import { redisDirectoryWriter } from './run-recorder.js';
import { asOwnTrace, type QueueTelemetry } from './telemetry.js';

export interface RedisConductorOptions {
  readonly redisUrl: string;
  /** Of every key; runs, workers and coordinators with the same prefix belong together. */
  readonly prefix: string;
  /** What workers show to the data plane. */
  readonly token: string;
  /** Where the data plane listens: 127.0.0.1 and any free port when left out. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined };
  /** http://host:port as workers reach the data plane, when that is not where it listens. */
  readonly advertise?: string | undefined;
  readonly logger?: Logger;
  readonly telemetry?: QueueTelemetry | undefined;
}

export interface RedisConductorTransport extends ConductorTransport {
  readonly kind: 'redis';
  /** http://host:port of the data plane. */
  readonly address: string;
  readonly directory: RunDirectoryWriter;
  /** For a board to show. */
  readonly queues: readonly BoardQueue[];
  /** Jobs that wait, by queue. */
  queueDepths(): Promise<Record<keyof typeof queueNames, number>>;
}

/**
 * The coordinator's side over Redis and the data plane.
 * @throws RedisUnavailableError, RedisEvictsError, CannotListenError
 */
export async function createRedisConductorTransport(options: RedisConductorOptions): Promise<RedisConductorTransport> {
  const { redisUrl, prefix, token, advertise, telemetry } = options;
  const logger = options.logger ?? defaultLogger('transport');
  const refusals = new RefusalCounter();
  const { host = '127.0.0.1', port = 0 } = options.listen ?? {};
  const { client, storeClient } = await connectTwice(redisUrl, logger);
  const server = await DataPlaneServer.listen({ host, port, token, advertise }, refusals, logger).catch(
    (error: unknown) => {
      client.disconnect();
      storeClient.disconnect();
      throw error;
    },
  );
  const runs = runsQueue(client, prefix, telemetry);
  const shards = shardsQueue(client, prefix, telemetry);
  const ownTrace = asOwnTrace(telemetry);
  for (const queue of [runs, shards]) logErrorsOf(queue, logger);
  const channels = new Set<RedisRunChannel>();
  const conductors = new Set<Worker>();
  return {
    kind: 'redis',
    store: new RedisRunStore(storeClient, prefix),
    address: server.address,
    refusals: refusals.counts,
    directory: redisDirectoryWriter(client, prefix, logger),
    queues: [runs, shards],
    async queueDepths() {
      const [runJobs, shardJobs] = await Promise.all([runs, shards].map((queue) => queue.count()));
      return { runs: runJobs ?? 0, shards: shardJobs ?? 0 };
    },
    async submitRun(order: RunOrder): Promise<void> {
      const job = runJobSchema.parse(order);
      await namingFull('a run job', runs.add('run', job, runJobOptions(job, 0)));
    },
    conductRuns(handler: (job: RunJob) => Promise<void>, atOnce = 1): RunConductor {
      const settings = { ...runWorkerOptions, concurrency: atOnce };
      const { worker, drain } = createQueueWorker(
        { queue: queueNames.runs, prefix, client, schema: runJobSchema, settings, logger, refusals, telemetry },
        handler,
      );
      conductors.add(worker);
      return {
        drain: async () => {
          await drain();
          conductors.delete(worker);
        },
      };
    },
    async openRun(run: ResolvedRun, lease: Lease, hooks: RunHooks, priority: Priority = 'normal'): Promise<RunChannel> {
      await removeShardJobs(shards, run.runId, lease.token);
      const endpoint = new RunEndpoint(run, lease, hooks, new RefusalCounter(refusals), logger);
      server.add(endpoint);
      const forget = () => channels.delete(channel);
      const channel = new RedisRunChannel(endpoint, server, shards, priority, ownTrace, forget);
      channels.add(channel);
      return channel;
    },
    async close(): Promise<void> {
      for (const channel of channels) await channel.close();
      await Promise.all([...conductors].map((worker) => worker.close(true)));
      await server.close();
      await runs.close();
      await shards.close();
      client.disconnect();
      storeClient.disconnect();
    },
  };
}

/** Snapshots have a connection of their own: jobs do not queue up behind megabytes. */
async function connectTwice(redisUrl: string, logger: Logger): Promise<{ client: Redis; storeClient: Redis }> {
  const client = await connectRedis(redisUrl, logger);
  try {
    await requireNoEviction(client);
    return { client, storeClient: await connectRedis(redisUrl, logger) };
  } catch (error) {
    client.disconnect();
    throw error;
  }
}
