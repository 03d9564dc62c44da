import type { WorkerReport } from '@elbo/protocol/cluster';
import { type MemberHello, type ShardJob, shardJobSchema } from '@elbo/protocol/messages';
import type { Worker } from 'bullmq';
import { RefusalCounter } from '../data-plane/refusal-counter.js';
import { RemoteMembership } from '../data-plane/remote-membership.js';
import { defaultLogger, type Logger } from '../log.js';
import type { Allocate, RunMembership, ShardTaker, WorkerTransport } from '../worker-transport.js';
import { connectRedis } from './connection.js';
import { oneAtATime } from './one-at-a-time.js';
import { createQueueWorker } from './queue-worker.js';
import { queueNames, shardWorkerOptions } from './queues.js';
import { ShardRunner } from './shard-runner.js';
import type { QueueTelemetry } from './telemetry.js';
import { writeWorkerReport } from './worker-reports.js';

export interface RedisWorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  /** False keeps tensors on sockets even when the conductor is on the same host. */
  readonly shareMemory?: boolean;
  readonly logger?: Logger;
  readonly telemetry?: QueueTelemetry | undefined;
}

export interface RedisWorkerTransport extends WorkerTransport {
  /** What was refused so far, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Tells the run directory of this worker, for the next ten seconds. */
  report(report: WorkerReport): Promise<void>;
}

/**
 * A worker's side over Redis and the data plane.
 * @throws RedisUnavailableError
 */
export async function createRedisWorkerTransport(options: RedisWorkerOptions): Promise<RedisWorkerTransport> {
  const { redisUrl, prefix, token, shareMemory = true, telemetry } = options;
  const logger = options.logger ?? defaultLogger('transport');
  const refusals = new RefusalCounter();
  const client = await connectRedis(redisUrl, logger);
  const memberships = new Map<string, Promise<RemoteMembership>>();
  const takers = new Set<Worker>();
  const runners = new Set<ShardRunner>();
  const onSent = (job: ShardJob) => {
    for (const runner of runners) runner.onSent(job);
  };
  const onAssigned = (job: ShardJob) => {
    const [runner] = runners;
    // A failure is the conductor's to mend: the runner has told it.
    runner?.run(job, false).catch(() => {});
  };

  const openMembership = (job: ShardJob, hello: MemberHello, newMemory: () => Allocate) => {
    const key = membershipKey(job);
    const { conductor, runId, lease } = job;
    const opening = RemoteMembership.open({
      conductor,
      runId,
      lease,
      token,
      hello,
      allocate: newMemory(),
      shareMemory,
      onSent,
      onAssigned,
    });
    memberships.set(key, opening);
    const forget = () => {
      if (memberships.get(key) === opening) memberships.delete(key);
    };
    opening.then((membership) => {
      if (membership.signal.aborted) forget();
      else membership.signal.addEventListener('abort', forget);
    }, forget);
    return opening;
  };

  return {
    refusals: refusals.counts,
    report: oneAtATime((report) => writeWorkerReport(client, prefix, report)),
    takeShards(handler: (job: ShardJob) => Promise<void>, slots: number): ShardTaker {
      const runner = new ShardRunner(handler, (job) => opened(memberships.get(membershipKey(job))), logger);
      runners.add(runner);
      const settings = { ...shardWorkerOptions, concurrency: slots };
      const { worker, drain } = createQueueWorker(
        { queue: queueNames.shards, prefix, client, schema: shardJobSchema, settings, logger, refusals, telemetry },
        (job, willRetry) => runner.run(job, willRetry),
      );
      takers.add(worker);
      return {
        setSlots: (next) => {
          worker.concurrency = next;
        },
        drain: async () => {
          await drain();
          await runner.idle();
          runners.delete(runner);
          takers.delete(worker);
        },
      };
    },
    async join(job: ShardJob, hello: MemberHello, newMemory: () => Allocate): Promise<RunMembership> {
      const membership = await (memberships.get(membershipKey(job)) ?? openMembership(job, hello, newMemory));
      membership.take(job);
      return membership;
    },
    /** Leaves at once, as a worker does that ends: shards that still run are reported unfinished. */
    async close(): Promise<void> {
      for (const opening of memberships.values()) (await opened(opening))?.leave('the worker left');
      await Promise.all([...takers].map((worker) => worker.close(true)));
      client.disconnect();
    },
  };
}

function membershipKey(job: ShardJob): string {
  return `${job.runId} ${job.lease} ${job.conductor}`;
}

/** A membership that could be opened; a failure to open it was told to those who asked for it. */
async function opened(opening: Promise<RemoteMembership> | undefined): Promise<RemoteMembership | undefined> {
  return opening?.catch(() => undefined);
}
