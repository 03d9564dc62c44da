import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';

const spec = specOf({
  seed: 5,
  dataset: { name: 'mnist', limit: 60_000 },
  training: { epochs: 100, globalBatchSize: 128, shardsPerStep: 2 },
});

describe.skipIf(!redisForTests)('workers that are lost', () => {
  let redis: TestRedis;
  let cluster: RedisCluster;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());
  afterEach(() => cluster.close());

  it('cost less than half a second when they are killed', async () => {
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    await Promise.all(['stable', 'victim'].map((workerId) => cluster.worker({ workerId })));
    const stop = new AbortController();
    const run = new ConductedRun(cluster.transport, spec, 'killed-workers', { signal: stop.signal });
    const recoveries: number[] = [];
    for (let kill = 0; kill < 3; kill++) {
      await Promise.all([run.contributions('victim', 8), run.contributions('stable', 8)]);
      const killed = performance.now();
      const { lastStep } = run;
      cluster.workers.get('victim')?.kill('SIGKILL');
      // The step that it was in, and the next, for which it may have taken a shard.
      await run.step(lastStep + 2);
      recoveries.push(performance.now() - killed);
      await cluster.worker({ workerId: 'victim' });
    }
    stop.abort();
    await run.ended;
    expect(recoveries.sort((x, y) => x - y)[1]).toBeLessThan(500);
  });

  it('cost little when they are ten times slower than the others, and the bits stay the same', async () => {
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    // What takes time here is a wait, not computing: the figure is the same on a busy machine. Three of the four
    // workers are enough for a step.
    const spec = specOf({
      seed: 5,
      dataset: { name: 'gaussian-mixture', limit: 2400 },
      model: { latentDim: 2, encoder: { hidden: [8] }, decoder: { hidden: [8] }, likelihood: { kind: 'gaussian' } },
      training: { epochs: 1, globalBatchSize: 30, shardsPerStep: 3 },
    });
    const workers = ['a', 'b', 'c', 'd'];
    await Promise.all(workers.map((workerId) => cluster.worker({ workerId, delayMs: 30 })));
    const train = async (runId: string) => {
      const run = new ConductedRun(cluster.transport, spec, runId);
      await Promise.all(workers.map((workerId) => run.contributions(workerId, 1)));
      const { lastStep } = run;
      const began = performance.now();
      const hash = await run.ended;
      const stepsPerSecond = (1000 * (run.lastStep - lastStep)) / (performance.now() - began);
      return { hash, stepsPerSecond, givenOutAgain: run.notices('given-out-again') };
    };
    const even = await train('even-workers');
    cluster.workers.get('d')?.send({ delayMs: 300 });
    const slowed = await train('slowed-worker');
    expect(slowed.hash).toBe(even.hash);
    expect(slowed.givenOutAgain[0]).toMatch(/\d+ slow/);
    expect(slowed.stepsPerSecond / even.stepsPerSecond).toBeGreaterThan(0.7);
  });
});
