import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { connectRedis } from '@elbo/transport/redis/connection';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { spec } from '../fixtures.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('a job whose lock is lost while it is worked on', () => {
  const runId = 'run-without-lock';
  let redis: TestRedis;
  let client: Redis;
  let base: string;
  let transports: RedisConductorTransport[];

  beforeAll(async () => {
    redis = await startTestRedis();
    client = await connectRedis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });
  beforeEach(async () => {
    const prefix = redis.freshPrefix();
    base = `{${prefix}}:runs`;
    const options = { redisUrl: redis.url, prefix, token: 'secret' };
    transports = [await createRedisConductorTransport(options), await createRedisConductorTransport(options)];
  });
  afterEach(() => Promise.all(transports.map((transport) => transport.close())));

  /** Has the first transport work on the run until the returned function is called. */
  async function working() {
    const [worker, other] = transports as [RedisConductorTransport, RedisConductorTransport];
    const taken: string[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const begun = new Promise<void>((resolve) => {
      worker.conductRuns(async () => {
        taken.push('first');
        resolve();
        await finished;
      });
    });
    await worker.submitRun({ runId, spec });
    await begun;
    other.conductRuns(async () => void taken.push('second'));
    const jobKey = (await client.keys(`${base}:run.*`)).find((key) => !key.endsWith(':lock')) as string;
    return { taken, finish, jobKey, jobId: jobKey.slice(base.length + 1) };
  }
  const soon = { timeout: 3000, interval: 20 };

  it('has it again, wherever the queue put it, and is done once', async () => {
    const { taken, finish, jobKey, jobId } = await working();
    // As another's stall check does; that other is slower than the renewal, or has given it back to wait.
    await client
      .multi()
      .del(`${jobKey}:lock`)
      .lrem(`${base}:active`, 0, jobId)
      .zadd(`${base}:delayed`, (Date.now() + 60_000) * 4096, jobId)
      .exec();
    await vi.waitFor(async () => expect(await client.lrange(`${base}:active`, 0, -1)).toEqual([jobId]), soon);
    expect(await client.exists(`${jobKey}:lock`)).toBe(1);
    expect(await client.zcard(`${base}:delayed`)).toBe(0);
    finish();
    await vi.waitFor(async () => expect(await client.exists(jobKey)).toBe(0), soon);
    expect(taken).toEqual(['first']);
  });

  it('is left to another who has it', async () => {
    const { finish, jobKey } = await working();
    await client.set(`${jobKey}:lock`, 'of another', 'PX', 60_000);
    // Two renewals later.
    await vi.waitFor(async () => expect(await client.pttl(`${jobKey}:lock`)).toBeLessThan(59_000), soon);
    expect(await client.get(`${jobKey}:lock`)).toBe('of another');
    finish();
  });

  it('is no job any more when Redis has forgotten it, and is not made one', async () => {
    const { taken, finish, jobKey, jobId } = await working();
    await client.multi().del(jobKey, `${jobKey}:lock`).lrem(`${base}:active`, 0, jobId).exec();
    const since = performance.now();
    await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(1000), soon);
    expect(await client.exists(jobKey, `${jobKey}:lock`)).toBe(0);
    expect(await client.llen(`${base}:active`)).toBe(0);
    finish();
    expect(taken).toEqual(['first']);
  });
});
