import type { Priority, RunJob, ShardJob } from '@elbo/protocol/messages';

import bullmq = require('bullmq');

import type { Redis } from 'ioredis';
import type { Logger } from '../log.js';
import { shardAttempts, shardJobKey } from '../shard-job.js';
import { saysRedisIsAway } from './connection.js';
import type { QueueTelemetry } from './telemetry.js';

export const queueNames = { runs: 'runs', shards: 'shards' } as const;

/** BullMQ's keys of all queues of a prefix, in one slot of a cluster. */
export function queuePrefix(prefix: string): string {
  return `{${prefix}}`;
}

const leaveNothing = { removeOnComplete: true, removeOnFail: true } as const;

/**
 * Lock and stall settings: a job whose worker process died without a word is given out again after at most
 * lockDuration + stalledInterval (and a little). A worker's gradients run on threads, so its event loop is free to renew.
 */
export const shardWorkerOptions = {
  lockDuration: 1000,
  lockRenewTime: 350,
  stalledInterval: 500,
  maxStalledCount: 20,
  runRetryDelay: 500,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} as const satisfies Partial<bullmq.WorkerOptions>;

/**
 * A dead coordinator's run is offered to others within a second and a half, however many have died on it; who conducts
 * it is decided by the lease, which lasts longer. A live one whose lock ran out takes its job back.
 */
export const runWorkerOptions = {
  ...shardWorkerOptions,
  maxStalledCount: 1_000_000,
} as const satisfies Partial<bullmq.WorkerOptions>;

export function runsQueue(client: Redis, prefix: string, telemetry?: QueueTelemetry): bullmq.Queue<RunJob> {
  return new bullmq.Queue<RunJob>(queueNames.runs, queueOptions(client, prefix, telemetry));
}

export function shardsQueue(client: Redis, prefix: string, telemetry?: QueueTelemetry): bullmq.Queue<ShardJob> {
  return new bullmq.Queue<ShardJob>(queueNames.shards, queueOptions(client, prefix, telemetry));
}

export function logErrorsOf(queue: bullmq.Queue, logger: Logger): void {
  queue.on('error', (error) => {
    if (!saysRedisIsAway(error)) logger.warn({ queue: queue.name, err: error }, 'the queue had an error');
  });
}

/** A queue as boards of BullMQ show it. */
export type BoardQueue = bullmq.Queue;

/** BullMQ's: less comes first, and of equal ones the first that was added. */
const priorities = { high: 1, normal: 2, low: 3 } as const satisfies Record<Priority, number>;

/** The priority of a job that has waited long enough. */
export const beforeAllOthers = 0;

/**
 * `.` because BullMQ takes a job id of digits for one of its own. A job that is in the queue already stays there once.
 * @param queueing How often the run was put back: its earlier job may be there still, about to go.
 */
export function runJobId(runId: string, queueing: number): string {
  return queueing === 0 ? `run.${runId}` : `run.${runId}.${queueing}`;
}

export function runJobOptions({ runId, priority }: RunJob, queueing: number): bullmq.JobsOptions {
  return { jobId: runJobId(runId, queueing), attempts: 1, priority: priorities[priority], ...leaveNothing };
}

export function shardJobEntry(
  job: ShardJob,
  priority: Priority,
): { name: string; data: ShardJob; opts: bullmq.JobsOptions } {
  const retries = { attempts: shardAttempts, backoff: { type: 'fixed', delay: 200 } };
  return {
    name: job.kind,
    data: job,
    opts: { jobId: shardJobKey(job), priority: priorities[priority], ...retries, ...leaveNothing },
  };
}

function queueOptions(client: Redis, prefix: string, telemetry?: QueueTelemetry) {
  const streams = { events: { maxLen: 100 } };
  return { connection: client, prefix: queuePrefix(prefix), streams, ...(telemetry ? { telemetry } : {}) };
}
