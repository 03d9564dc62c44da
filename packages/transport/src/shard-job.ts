import type { ShardJob } from '@elbo/protocol/messages';

/** The identity of a shard job: one dispatch of one shard under one lease. Letters, digits, dots and dashes. */
export function shardJobKey(job: ShardJob): string {
  return `${shardKey(job)}.${job.attempt}`;
}

/** The identity of a shard under one lease, whichever attempt at it the job is. */
export function shardKey(job: ShardJob): string {
  const part = job.kind === 'gradient' ? `g.${job.step}` : `e.${job.epoch}.${job.split}`;
  return `${job.runId}.${job.lease}.${part}.${job.shard}`;
}

/** Whose a shard job with this key is; null when it is the key of none. */
export function shardJobOwner(key: string): { readonly runId: string; readonly lease: number } | null {
  const [, runId, lease] = /^([a-z0-9-]{4,63})\.(\d{1,15})\.[ge]\./.exec(key) ?? [];
  return runId === undefined || lease === undefined ? null : { runId, lease: Number(lease) };
}

/** How often the queue gives out a job whose handler rejects, before it is left to the coordinator. */
export const shardAttempts = 3;
