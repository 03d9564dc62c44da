import { ShardLimit } from '@elbo/coordinator/shard-limit';
import type { ContributionHeader, MemberHello, ShardJob } from '@elbo/protocol/messages';
import type { RunChannel, RunHooks } from '@elbo/transport/conductor-transport';
import { expect, it } from 'vitest';

const member = { workerId: 'a' } as MemberHello;
const job = (shard: number, attempt = 0): ShardJob => ({
  kind: 'gradient',
  runId: 'run-1',
  lease: 1,
  conductor: '',
  parameterVersion: 0,
  shard,
  attempt,
  step: 0,
});

/** A limit at parameter version 0, and what it has put into the queue: `shard.attempt` of each job. */
function limitOf(shards: number) {
  const queued: string[] = [];
  const limit = new ShardLimit(shards, () => {});
  const hooks = limit.hooks({
    memberJoined: () => {},
    memberLeft: () => {},
    shardTaken: () => {},
    contributed: () => ({ accepted: true }),
  } as Partial<RunHooks> as RunHooks);
  const channel = limit.around({
    dispatch: async (jobs) => void queued.push(...jobs.map(({ shard, attempt }) => `${shard}.${attempt}`)),
    assign: () => true,
    publish: () => {},
  } as Partial<RunChannel> as RunChannel);
  channel.publish(0, new Float32Array(0));
  hooks.memberJoined(member);
  return { hooks, channel, queued };
}

it('a limited run puts a shard that the queue has lost into the queue again, under whichever attempt', async () => {
  const { hooks, channel, queued } = limitOf(1);
  await channel.dispatch([job(0), job(1)]);
  hooks.shardTaken(member, job(0));
  hooks.memberLeft(member, [job(0)]);
  expect(queued).toEqual(['0.0', '1.0']);
  hooks.memberJoined(member);
  hooks.shardTaken(member, job(1));
  hooks.memberLeft(member, [job(1)]);
  await channel.dispatch([job(0, 1)]);
  expect(queued).toEqual(['0.0', '1.0', '0.1']);
  await channel.dispatch([job(0)]);
  expect(queued).toEqual(['0.0', '1.0', '0.1', '0.0']);
});

it('a limited run waits for no copy of a shard that is counted', async () => {
  const { hooks, channel, queued } = limitOf(2);
  await channel.dispatch([job(0)]);
  expect(channel.assign('a', job(0, 1))).toBe(true);
  hooks.contributed({ workerId: 'a', job: job(0, 1) } as ContributionHeader, null);
  await channel.dispatch([job(1), job(2)]);
  expect(queued).toEqual(['0.0', '1.0', '2.0']);
});
