import type { ShardJob } from '@elbo/protocol/messages';
import type { Lease } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { computeShard, gradientJob, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('forged and malformed jobs', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());

  it('are removed by workers, who go on', async () => {
    const runId = 'forged-jobs-run';
    const common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'secret' };
    const conductor = await createRedisConductorTransport(common);
    const lease = (await conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
    const hooks = new RecordingHooks(1000);
    const channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    channel.publish(0, new Float32Array(1000));
    const job = (shard: number): ShardJob => gradientJob(channel, runId, lease.token, 0, shard);
    const client = new Redis(common.redisUrl, { maxRetriesPerRequest: null });
    const queue = new Queue('shards', { connection: client, prefix: `{${common.prefix}}` });
    await queue.add('gradient', { runId: '../../etc', tensor: [1, 2, 3] });
    await queue.add('gradient', { ...job(60), surprise: true }, { attempts: 1000 });
    const notJson = await queue.add('gradient', {});
    await client.hset(`{${common.prefix}}:shards:${notJson.id}`, 'data', '{"runId":');
    const worker = await createRedisWorkerTransport(common);
    const seen: ShardJob[] = [];
    worker.takeShards(async (taken) => {
      seen.push(taken);
      await computeShard(worker, 'careful', taken);
    }, 1);
    await channel.dispatch([job(61)]);
    await eventually('three jobs are refused', () => worker.refusals.get('bad-job') === 3);
    await eventually('the good one is counted', () =>
      hooks.all('contributed').some((event) => event.header.job.shard === 61),
    );
    expect(seen).toEqual([job(61)]);
    expect(await queue.getJobCounts('waiting', 'active', 'delayed', 'failed', 'completed')).toEqual({
      waiting: 0,
      active: 0,
      delayed: 0,
      failed: 0,
      completed: 0,
    });
    await worker.close();
    await queue.close();
    client.disconnect();
    await channel.close();
    await conductor.close();
  });
});
