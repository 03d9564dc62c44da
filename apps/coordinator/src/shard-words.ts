import type { ShardJob } from '@elbo/protocol/messages';

/** A shard in words, the same for each of its attempts. */
export function describeShard(job: ShardJob): string {
  return `shard ${job.shard} of ${describeRound(job)}`;
}

/** For people, who count steps from 1, as progress and metrics do. */
export function describeRound(job: ShardJob): string {
  return job.kind === 'gradient' ? `step ${job.step + 1}` : `the ${job.split} evaluation of epoch ${job.epoch}`;
}
