import { setTimeout } from 'node:timers/promises';

import bullmq = require('bullmq');

import type { Redis } from 'ioredis';
import type { z } from 'zod';
import { firstIssue } from '../data-plane/frame-headers.js';
import type { RefusalCounter } from '../data-plane/refusal-counter.js';
import { RunUnfinishedError } from '../errors.js';
import type { Logger } from '../log.js';
import { saysRedisIsAway } from './connection.js';
import { queuePrefix } from './queues.js';
import { reclaimJob } from './reclaim-job.js';
import type { QueueTelemetry } from './telemetry.js';

/** At its end a worker waits so long for a Redis that does not answer, when its handlers are done. */
const closePatienceMs = 3000;
/** How long a run that was given back rests before it is given out again. */
const giveBackMs = 100;

export interface QueueWorkerOptions<T> {
  readonly queue: string;
  readonly prefix: string;
  readonly client: Redis;
  readonly schema: z.ZodType<T>;
  readonly settings: Partial<bullmq.WorkerOptions> & { readonly lockDuration: number };
  readonly logger: Logger;
  readonly refusals: RefusalCounter;
  readonly telemetry?: QueueTelemetry | undefined;
}

export interface QueueWorker {
  readonly worker: bullmq.Worker;
  /** Takes no more jobs, and resolves when those at hand are done. */
  drain(): Promise<void>;
}

/**
 * A BullMQ worker that gives its handler only jobs of the right shape. Anything else is logged, counted and removed:
 * Redis may hold what somebody else put there.
 */
export function createQueueWorker<T>(
  options: QueueWorkerOptions<T>,
  handler: (data: T, willRetry: boolean) => Promise<void>,
): QueueWorker {
  const { queue, client, schema, logger, refusals, telemetry } = options;
  const prefix = queuePrefix(options.prefix);
  const refuse = (jobId: string | undefined, why: string) => {
    refusals.count('bad-job');
    logger.error({ queue, jobId, why }, 'removed a job that is not one of ours');
  };
  /** Lock tokens of the jobs at work. */
  const tokens = new Map<string, string>();
  const worker = new bullmq.Worker(
    queue,
    async (job: bullmq.Job<unknown>, lockToken?: string) => {
      const parsed = schema.safeParse(job.data);
      if (!parsed.success) {
        const why = firstIssue(parsed.error);
        refuse(job.id, why);
        throw new bullmq.UnrecoverableError(`malformed job: ${why}`);
      }
      const { id = '' } = job;
      if (lockToken !== undefined) tokens.set(id, lockToken);
      try {
        await handler(parsed.data, job.attemptsMade + 1 < (job.opts.attempts ?? 1)).finally(() => tokens.delete(id));
      } catch (error) {
        if (!(error instanceof RunUnfinishedError)) throw error;
        // Refused when the lock is lost: then the job is another worker's, or waits for one already.
        await job.moveToDelayed(Date.now() + giveBackMs, lockToken);
        throw new bullmq.DelayedError();
      }
    },
    { ...options.settings, connection: client, prefix, ...(telemetry ? { telemetry } : {}) },
  );
  worker.on('error', (error) => {
    // Told of below, once a job.
    if (error.message.startsWith('could not renew lock') || saysRedisIsAway(error)) return;
    logger.warn({ queue, err: error }, 'the queue had an error');
  });
  const told = new Set<string>();
  const reclaim = async (id: string) => {
    const token = tokens.get(id);
    if (token === undefined) return; // it is done
    const became = await reclaimJob(client, `${prefix}:${queue}`, { id, token }, options.settings.lockDuration);
    if (told.has(`${id} ${became}`) || !tokens.has(id)) return;
    told.add(`${id} ${became}`);
    logger.warn({ queue, jobId: id, became }, 'the lock of a job ran out while it was worked on');
  };
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) reclaim(id).catch((error) => logger.warn({ queue, jobId: id, err: error }, 'no lock again'));
  });
  // A job whose data is not even JSON never reaches a handler: BullMQ drops it where it stands, and it comes back stalled.
  worker.on('stalled', (jobId) => {
    removeIfUnreadable(client, prefix, queue, jobId).then(
      (removed) => removed && refuse(jobId, 'its data is not JSON'),
      (error: unknown) => logger.warn({ queue, jobId, err: error }, 'could not look at a stalled job'),
    );
  });
  return {
    worker,
    async drain() {
      const closed = new AbortController();
      const closing = worker.close().finally(() => closed.abort());
      // What BullMQ has to say to a Redis that is away, it would say without end: the job comes back by its stall check.
      const patience = async () => {
        do await setTimeout(closePatienceMs, undefined, { signal: closed.signal });
        while (tokens.size > 0);
      };
      await Promise.race([closing, patience().catch(() => closing)]);
    },
  };
}

async function removeIfUnreadable(client: Redis, prefix: string, queue: string, jobId: string): Promise<boolean> {
  const base = `${prefix}:${queue}`;
  const data = await client.hget(`${base}:${jobId}`, 'data');
  if (data === null || isJson(data)) return false;
  await client
    .multi()
    .lrem(`${base}:wait`, 0, jobId)
    .lrem(`${base}:active`, 0, jobId)
    .srem(`${base}:stalled`, jobId)
    .del(`${base}:${jobId}`, `${base}:${jobId}:lock`)
    .exec();
  return true;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
