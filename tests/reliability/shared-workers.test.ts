import type { Launch } from '@elbo/protocol/cluster';
import type { RunEvent, RunFinishedEvent } from '@elbo/protocol/events';
import { type RunSpecInput, runSpecSchema } from '@elbo/protocol/run-spec';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CoordinatorProcess, TestCluster } from '../support/cluster.js';
import { ConductedRun } from '../support/conducted-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';

const specOf = (training: RunSpecInput['training'], seed = 13) =>
  runSpecSchema.parse({
    name: 'sharing',
    seed,
    dataset: { name: 'mnist', limit: 3000 },
    model: { latentDim: 8, encoder: { hidden: [64] }, decoder: { hidden: [64] } },
    training: { globalBatchSize: 50, shardsPerStep: 3, ...training },
  });
const short = specOf({ epochs: 1 });
const long = specOf({ epochs: 6, globalBatchSize: 75 }, 14);
const launch = (priority: Launch['priority'] = 'normal'): Launch => ({ priority, workerLimit: null });

describe.skipIf(!redisForTests)('runs that share workers', () => {
  let redis: TestRedis;
  let cluster: TestCluster;
  let directory: RunDirectory;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis?.stop());
  beforeEach(async () => {
    cluster = await TestCluster.start(redis, 2);
    directory = await createRedisRunDirectory({ redisUrl: redis.url, prefix: cluster.prefix });
  });
  afterEach(async () => {
    await directory.close();
    await cluster.stop();
  });

  const ended = async (coordinator: CoordinatorProcess, runId: string) =>
    (await coordinator.event((event) => event.event === 'run-finished' && event.runId === runId)) as RunFinishedEvent;
  const step = (coordinator: CoordinatorProcess, runId: string, step: number) =>
    coordinator.event((event) => event.event === 'step' && event.runId === runId && event.step >= step);
  const endedIn = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.event === 'run-finished' ? [event.runId] : []));

  it('each have their share: a short one ends while a long one goes on, and both have the bits of one alone', async () => {
    const coordinator = cluster.addCoordinator();
    const alone: Record<string, string> = {};
    for (const [runId, spec] of [
      ['run-short-alone', short],
      ['run-long-alone', long],
    ] as const) {
      await directory.submit(runId, spec, launch());
      alone[runId] = (await ended(coordinator, runId)).parametersSha256;
    }
    await directory.submit('run-long', long, launch());
    await step(coordinator, 'run-long', 5);
    await directory.submit('run-short', short, launch());
    expect((await ended(coordinator, 'run-short')).parametersSha256).toBe(alone['run-short-alone']);
    const between = (await directory.find('run-long'))?.step ?? 0;
    expect(between).toBeLessThan(200);
    const workers = await directory.workers();
    expect(workers.map(({ workerId }) => workerId)).toEqual(['worker-1', 'worker-2']);
    for (const { shardsDone, load, examplesPerSecond } of workers) {
      expect(shardsDone).toBeGreaterThan(50);
      expect(examplesPerSecond).toBeGreaterThan(0);
      expect(load).toBeGreaterThan(0);
    }
    expect((await ended(coordinator, 'run-long')).parametersSha256).toBe(alone['run-long-alone']);
    expect(endedIn(coordinator.events)).toEqual(['run-short-alone', 'run-long-alone', 'run-short', 'run-long']);
  });

  it('are conducted by priority when they wait', async () => {
    for (const priority of ['low', 'normal', 'high'] as const) {
      await directory.submit(`run-of-${priority}`, short, launch(priority));
    }
    const coordinator = cluster.addCoordinator({ maxRuns: 1 });
    await ended(coordinator, 'run-of-low');
    expect(endedIn(coordinator.events)).toEqual(['run-of-high', 'run-of-normal', 'run-of-low']);
  });

  it('are served by priority when they run', async () => {
    for (const priority of ['low', 'normal', 'high'] as const) {
      await directory.submit(`run-of-${priority}`, long, launch(priority));
    }
    const coordinator = cluster.addCoordinator();
    await ended(coordinator, 'run-of-high');
    const lastStep = (runId: string) =>
      coordinator.events.findLast((event) => event.event === 'step' && event.runId === runId) as
        | { step: number }
        | undefined;
    const [normal, low] = ['run-of-normal', 'run-of-low'].map((runId) => lastStep(runId)?.step ?? 0) as [
      number,
      number,
    ];
    console.info(`when the high one ended after 240 steps, the normal one had done ${normal}, the low one ${low}`);
    expect(normal).toBeLessThan(200);
    expect(low).toBeLessThan(120);
    const shas = await Promise.all(
      ['low', 'normal', 'high'].map(
        async (priority) => (await ended(coordinator, `run-of-${priority}`)).parametersSha256,
      ),
    );
    expect(new Set(shas).size).toBe(1);
    expect(endedIn(coordinator.events)).toEqual(['run-of-high', 'run-of-normal', 'run-of-low']);
  });

  it('are not starved, however low: one of three steps ends beside two of high priority that go on', async () => {
    const coordinator = cluster.addCoordinator();
    const endless = ['run-endless-a', 'run-endless-b'];
    for (const runId of endless) await directory.submit(runId, specOf({ epochs: 1000 }), launch('high'));
    for (const runId of endless) await step(coordinator, runId, 20);
    await directory.submit('run-patient', specOf({ epochs: 1, globalBatchSize: 1000 }), launch('low'));
    const began = performance.now();
    await ended(coordinator, 'run-patient');
    console.info(`three steps of low priority took ${Math.round(performance.now() - began)} ms`);
    for (const runId of endless) {
      expect(await directory.find(runId)).toMatchObject({ state: 'running' });
      await directory.want(runId, 'cancel');
    }
    for (const runId of endless) {
      await coordinator.event(
        (event) => event.event === 'notice' && event.code === 'cancelled' && event.runId === runId,
      );
    }
  });
});

describe.skipIf(!redisForTests)('a run with a worker limit', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis?.stop());

  for (const workerLimit of [1, 2]) {
    it(`of ${workerLimit} has no more shards than that in workers' hands, through a kill too, and the same bits`, async () => {
      const unlimited = await conduct(null);
      expect(unlimited.most).toBeGreaterThan(workerLimit);
      const limited = await conduct(workerLimit);
      expect(limited.most).toBe(workerLimit);
      expect(limited.sha256).toBe(unlimited.sha256);
    });
  }

  async function conduct(workerLimit: number | null): Promise<{ sha256: string; most: number }> {
    const cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    try {
      await Promise.all(['a', 'b', 'c'].map((workerId) => cluster.worker({ workerId, delayMs: 5 })));
      const run = new ConductedRun(cluster.transport, short, 'limited-run', {}, { workerLimit });
      await run.step(10);
      cluster.workers.get('b')?.kill('SIGKILL');
      await run.step(20);
      await cluster.worker({ workerId: 'd', delayMs: 5 });
      return { sha256: await run.ended, most: run.mostInHands };
    } finally {
      await cluster.close();
    }
  }
});
