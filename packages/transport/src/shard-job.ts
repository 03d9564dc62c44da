import type { ShardJob } from '@elbo/protocol/messages';

/** The identity of a shard job: one dispatch of one shard under one lease. Letters, digits, dots and dashes. */
export function shardJobKey(job: ShardJob): string {
  const part = job.kind === 'gradient' ? `g.${job.step}` : `e.${job.epoch}.${job.split}`;
  return `${job.runId}.${job.lease}.${part}.${job.shard}.${job.attempt}`;
}

/** How often the queue gives out a job whose handler rejects, before it is left to the coordinator. */
export const shardAttempts = 3;
