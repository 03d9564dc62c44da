import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';

const spec = specOf({
  seed: 6,
  dataset: { name: 'mnist', limit: 3000 },
  training: { epochs: 1, globalBatchSize: 50, shardsPerStep: 3, microbatchSize: 8 },
});
const steps = 60;

/** What is done to a cluster when the run has done so many steps more. */
const disturbance = fc.record({
  after: fc.integer({ min: 1, max: 12 }),
  act: fc.constantFrom('kill', 'stop', 'join', 'join-slow', 'join-twice'),
  victim: fc.nat({ max: 7 }),
});
type Disturbance = typeof disturbance extends fc.Arbitrary<infer T> ? T : never;

let runs = 0;

describe.skipIf(!redisForTests)('the same bits from worker processes on Redis', () => {
  let redis: TestRedis;
  let undisturbed: string;
  beforeAll(async () => {
    redis = await startTestRedis();
    undisturbed = await disturbed([]);
  });
  afterAll(() => redis.stop());

  async function disturbed(schedule: readonly Disturbance[]): Promise<string> {
    const cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    // One stays to the end: a run without a worker waits.
    await Promise.all(['steady', 'worker-0'].map((workerId) => cluster.worker({ workerId })));
    const run = new ConductedRun(cluster.transport, spec, `disturbed-${++runs}`);
    try {
      let joined = 0;
      for (const { after, act, victim } of schedule) {
        await Promise.race([run.step(run.lastStep + after), run.ended]);
        if (run.lastStep >= steps) break;
        const others = [...cluster.workers.keys()].filter((workerId) => workerId !== 'steady');
        const child = cluster.workers.get(others[victim % others.length] ?? '');
        if (act === 'kill') child?.kill('SIGKILL');
        else if (act === 'stop') {
          child?.kill('SIGSTOP');
          setTimeout(() => child?.kill('SIGCONT'), 400);
        } else {
          const manners = { slowdown: act === 'join-slow' ? 5 : 0, duplicates: act === 'join-twice' };
          await cluster.worker({ workerId: `worker-${++joined}`, ...manners });
        }
      }
      return await run.ended;
    } finally {
      await cluster.close();
    }
  }

  it('with any schedule of joins, kills, stops, slow workers and duplicates', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(disturbance, { minLength: 4, maxLength: 6 }), async (schedule) => {
        expect(await disturbed(schedule)).toBe(undisturbed);
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
