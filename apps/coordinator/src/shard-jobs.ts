import type { ShardJob, SplitName } from '@elbo/protocol/messages';
import type { Conduct } from './conduct.js';

type Origin = Pick<Conduct, 'run' | 'lease' | 'channel'>;

/** The jobs of a training step, in shard order. */
export function gradientJobs({ run, lease, channel }: Origin, step: number, shards: number): ShardJob[] {
  return Array.from({ length: shards }, (_, shard) => ({
    kind: 'gradient',
    runId: run.runId,
    lease,
    conductor: channel.address,
    parameterVersion: step,
    shard,
    attempt: 0,
    step,
  }));
}

/** The jobs of an evaluation of a split at the parameters of a version, in shard order. */
export function evaluationJobs(
  { run, lease, channel }: Origin,
  at: { epoch: number; split: SplitName; parameterVersion: number },
  shards: number,
): ShardJob[] {
  return Array.from({ length: shards }, (_, shard) => ({
    kind: 'evaluation',
    runId: run.runId,
    lease,
    conductor: channel.address,
    shard,
    attempt: 0,
    ...at,
  }));
}
