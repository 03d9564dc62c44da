import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { freePort } from '../support/free-port.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { TamperingProxy } from '../support/tampering-proxy.js';

const spec = specOf({
  seed: 9,
  dataset: { name: 'mnist', limit: 3200 },
  training: { epochs: 1, globalBatchSize: 64, shardsPerStep: 2 },
});

describe.skipIf(!redisForTests)('a contribution', () => {
  let redis: TestRedis;
  let cluster: RedisCluster;
  let undisturbed: string;
  beforeAll(async () => {
    redis = await startTestRedis();
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    await cluster.worker({ workerId: 'alone' });
    undisturbed = await new ConductedRun(cluster.transport, spec, 'undisturbed').ended;
    await cluster.close();
  });
  afterAll(() => redis.stop());
  afterEach(() => cluster.close());

  it('of a worker that was stopped past its lock is refused when it goes on, and counted as such', async () => {
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    await cluster.worker({ workerId: 'steady' });
    const held = await cluster.worker({ workerId: 'held', holdAt: 5 });
    const run = new ConductedRun(cluster.transport, spec, 'stopped-worker');
    const [{ holding }] = (await once(held, 'message')) as [{ holding: { step: number } }];
    held.kill('SIGSTOP');
    await run.step(holding.step + 10);
    const refusal = run.refusal('held');
    held.kill('SIGCONT');
    held.send('go on');
    expect(await refusal).toMatchObject({ step: holding.step, reason: 'wrong-step' });
    expect(await run.ended).toBe(undisturbed);
    expect(run.notices('refusals')[0]).toMatch(/\d+ wrong-step/);
    expect(run.notices('given-out-again')[0]).toMatch(/\d+ (slow|untaken)/);
  });

  it('that is delivered twice is counted once', async () => {
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    await Promise.all(['a', 'b'].map((workerId) => cluster.worker({ workerId, duplicates: true })));
    const run = new ConductedRun(cluster.transport, spec, 'twice-delivered');
    expect(await run.ended).toBe(undisturbed);
    expect(run.notices('refusals')[0]).toMatch(/\d+ (duplicate|wrong-step)/);
    const evaluations = 4;
    expect([...run.counted.values()].reduce((sum, count) => sum + count)).toBe(2 * run.lastStep + evaluations);
  });

  it('that is changed on its way is refused by its checksum, and computed again', async () => {
    const wire = await TamperingProxy.start(4_000_000, 6);
    const port = await freePort();
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix(), { port, advertise: wire.address });
    wire.to(port);
    await cluster.worker({ workerId: 'a', shareMemory: false });
    const run = new ConductedRun(cluster.transport, spec, 'changed-on-its-way');
    expect(await run.ended).toBe(undisturbed);
    expect(wire.changed).toBe(6);
    expect(run.notices('refusals')[0]).toMatch(/6 bad-checksum/);
    wire.stop();
  });
});
