import type { Priority, ShardJob } from '@elbo/protocol/messages';
import type { Lease, RunChannel } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { gradientJob, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('shards of runs of different priority', () => {
  let redis: TestRedis;
  let common: { redisUrl: string; prefix: string; token: string };
  let conductor: RedisConductorTransport;
  let jobs: Record<Priority, ShardJob[]>;
  let channels: Record<Priority, RunChannel>;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'secret' };
    conductor = await createRedisConductorTransport(common);
    const open = async (priority: Priority) => {
      const runId = `run-of-${priority}`;
      const lease = (await conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
      const channel = await conductor.openRun(resolvedRun(runId), lease, new RecordingHooks(10), priority);
      const ours = [0, 1].map((shard) => gradientJob(channel, runId, lease.token, 0, shard));
      return { channel, ours };
    };
    const [low, normal, high] = [await open('low'), await open('normal'), await open('high')];
    jobs = { low: low.ours, normal: normal.ours, high: high.ours };
    channels = { low: low.channel, normal: normal.channel, high: high.channel };
    for (const priority of ['low', 'normal', 'high'] as const) await channels[priority].dispatch(jobs[priority]);
  });
  afterEach(() => conductor.close());

  const takeAll = async (): Promise<ShardJob[]> => {
    const worker = await createRedisWorkerTransport(common);
    const taken: ShardJob[] = [];
    worker.takeShards(async (job) => void taken.push(job), 1);
    await eventually('all are taken', () => taken.length === 6);
    await worker.close();
    return taken;
  };

  it('are taken by priority, and in their order where it is equal', async () => {
    expect(await takeAll()).toEqual([...jobs.high, ...jobs.normal, ...jobs.low]);
  });

  it('are taken before all others when they are in a hurry', async () => {
    const [first, last] = jobs.low as [ShardJob, ShardJob];
    await channels.low.hurry([last]);
    await channels.low.hurry([last, { ...last, attempt: 7 }]);
    expect(await takeAll()).toEqual([last, ...jobs.high, ...jobs.normal, first]);
  });

  it('are known to wait until they are taken', async () => {
    await channels.low.hurry(jobs.low.slice(0, 1));
    const unknown = { ...(jobs.low[0] as ShardJob), attempt: 7 };
    expect(await channels.low.waiting([...jobs.low, unknown])).toEqual(jobs.low);
    const worker = await createRedisWorkerTransport(common);
    const held = new Promise<ShardJob>((resolve) => {
      worker.takeShards((job) => new Promise<void>(() => resolve(job)), 1);
    });
    expect(await held).toEqual(jobs.low[0]);
    expect(await channels.low.waiting(jobs.low)).toEqual(jobs.low.slice(1));
    await worker.close();
  });
});
