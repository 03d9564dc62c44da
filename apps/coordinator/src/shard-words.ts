import type { ShardJob } from '@elbo/protocol/messages';

/** A shard in words, the same for each of its attempts. */
export function describeShard(job: ShardJob): string {
  return `shard ${job.shard} of ${describeRound(job)}`;
}

export function describeRound(job: ShardJob): string {
  return job.kind === 'gradient' ? `step ${job.step}` : `the ${job.split} evaluation of epoch ${job.epoch}`;
}
