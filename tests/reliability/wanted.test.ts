import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { RunState } from '@elbo/protocol/cluster';
import type { RunEvent } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestCluster } from '../support/cluster.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { recordedLearning } from '../support/run-records.js';

const spec = runSpecSchema.parse({
  name: 'wanted',
  seed: 12,
  dataset: { name: 'mnist', limit: 3000 },
  model: { latentDim: 8, encoder: { hidden: [64] }, decoder: { hidden: [64] } },
  training: { epochs: 3, globalBatchSize: 50, shardsPerStep: 3 },
});
const launch = { priority: 'normal', workerLimit: null } as const;
const noticeOf = (code: string) => (event: RunEvent) => event.event === 'notice' && event.code === code;
const finishOf = (runId: string) => (event: RunEvent) => event.event === 'run-finished' && event.runId === runId;

describe.skipIf(!redisForTests)('what people want of a run', () => {
  let redis: TestRedis;
  let cluster: TestCluster;
  let directory: RunDirectory;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis?.stop());
  beforeEach(async () => {
    cluster = await TestCluster.start(redis, 1);
    directory = await createRedisRunDirectory({ redisUrl: redis.url, prefix: cluster.prefix });
  });
  afterEach(async () => {
    await directory.close();
    await cluster.stop();
  });

  const reach = async (runId: string, state: RunState, withinMs: number) => {
    const began = performance.now();
    while ((await directory.find(runId))?.state !== state) {
      if (performance.now() - began > withinMs) throw new Error(`${runId} is not ${state} within ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return performance.now() - began;
  };
  const leftInRedis = async (runId: string) => {
    const keys = await redis.keysOf(cluster.prefix);
    return keys.flatMap((key) => (key.includes(`{${runId}}`) ? [key.split(':').at(-1)] : [])).sort();
  };

  it('to be paused and resumed, twice, on two coordinators, changes no bit of it', async () => {
    const first = cluster.addCoordinator();
    await directory.submit('run-undisturbed', spec, launch);
    const undisturbed = await first.event(finishOf('run-undisturbed'));
    const runId = 'run-paused';
    await directory.submit(runId, spec, launch);
    await first.event((event) => event.runId === runId && event.event === 'step' && event.step === 5);
    expect(await directory.want(runId, 'pause')).toBe('running');
    const ms = await reach(runId, 'paused', 3000);
    console.info(`paused after ${Math.round(ms)} ms`);
    await first.event(noticeOf('paused'));
    expect(await leftInRedis(runId)).toEqual(['events', 'record', 'snapshot', 'tensors']);
    expect(await directory.find(runId)).toMatchObject({ coordinator: null, endedAt: null });
    const { step } = (await directory.find(runId)) as { step: number };
    // Nobody goes on with it by himself.
    const second = cluster.addCoordinator();
    await directory.submit('run-meanwhile', spec, launch);
    await Promise.race([first, second].map((one) => one.event(finishOf('run-meanwhile'))));
    expect(await directory.find(runId)).toMatchObject({ state: 'paused', step });

    await first.kill('SIGTERM');
    expect(await directory.want(runId, 'run')).toBe('queued');
    await second.event((event) => event.runId === runId && event.event === 'step' && event.step >= step + 5);
    await directory.want(runId, 'pause');
    await reach(runId, 'paused', 3000);
    expect(await directory.want(runId, 'pause')).toBe('paused');
    expect(await directory.want(runId, 'run')).toBe('queued');
    const finished = await second.event(finishOf(runId));
    expect(finished).toMatchObject({
      parametersSha256: (undisturbed as { parametersSha256: string }).parametersSha256,
    });
    const [learning, wanted] = await Promise.all([
      recordedLearning(cluster.runFolder(runId)),
      recordedLearning(cluster.runFolder('run-undisturbed')),
    ]);
    expect(learning).toEqual(wanted);
    await reach(runId, 'completed', 2000);
    expect(await leftInRedis(runId)).toEqual(['events', 'record']);
    await expect(directory.want(runId, 'pause')).rejects.toMatchObject({ code: 'RUN_OVER' });
  });

  it('to be resumed while it is being paused goes on', async () => {
    const coordinator = cluster.addCoordinator();
    const runId = 'run-of-two-minds';
    await directory.submit(runId, spec, launch);
    await coordinator.event((event) => event.event === 'step' && event.step === 5);
    await directory.want(runId, 'pause');
    await coordinator.event(noticeOf('paused'));
    await directory.want(runId, 'run');
    expect(await coordinator.event(finishOf(runId))).toMatchObject({ outcome: 'completed', step: 180 });
  });

  it('to be cancelled ends it, and leaves its folder with a checkpoint and nothing of it in memory', async () => {
    const coordinator = cluster.addCoordinator({ checkpointIntervals: { redis: 0, folder: 60_000 } });
    const runId = 'run-cancelled';
    await directory.submit(runId, spec, launch);
    await coordinator.event((event) => event.event === 'step' && event.step === 20);
    await directory.want(runId, 'cancel');
    await reach(runId, 'cancelled', 3000);
    expect(await leftInRedis(runId)).not.toContain('tensors');
    expect((await readdir(cluster.runFolder(runId))).some((name) => name.startsWith('checkpoint-'))).toBe(true);
    expect(existsSync(`${cluster.runFolder(runId)}/model.safetensors`)).toBe(true);
    expect(await directory.want(runId, 'cancel')).toBe('cancelled');
    // The coordinator serves on.
    await directory.submit('run-after', spec, launch);
    await coordinator.event(finishOf('run-after'));
    expect(coordinator.events.some(finishOf(runId))).toBe(false);
  });

  it('is done, too, when its coordinator was killed', async () => {
    for (const [wanted, state] of [
      ['pause', 'paused'],
      ['cancel', 'cancelled'],
    ] as const) {
      const runId = `run-of-the-dead-${state}`;
      const dead = cluster.addCoordinator();
      await directory.submit(runId, spec, launch);
      await dead.event((event) => event.event === 'step' && event.step === 5);
      await dead.kill('SIGKILL');
      await directory.want(runId, wanted);
      await reach(runId, state, 5000);
      const next = cluster.addCoordinator();
      await directory.submit(`run-next-${state}`, spec, launch);
      await next.event(finishOf(`run-next-${state}`));
      expect(await directory.find(runId)).toMatchObject({ state });
      expect(next.events.filter((event) => event.runId === runId)).toEqual([]);
      if (wanted === 'pause') {
        await directory.want(runId, 'run');
        expect(await next.event(finishOf(runId))).toMatchObject({ outcome: 'completed' });
      } else expect(await leftInRedis(runId)).not.toContain('tensors');
      await next.kill('SIGTERM');
    }
  });

  it('to be resumed after it failed goes on from its checkpoint, whose tensors Redis does not keep for ever', async () => {
    const runId = 'run-that-fails';
    const coordinator = cluster.addCoordinator({ checkpointIntervals: { redis: 0, folder: 0 } });
    const diverging = runSpecSchema.parse({
      ...spec,
      training: { ...spec.training, learningRate: 100, optimizer: { kind: 'sgd' } },
    });
    await directory.submit(runId, diverging, launch);
    await coordinator.event((event) => event.event === 'run-failed');
    await reach(runId, 'failed', 2000);
    expect(await directory.find(runId)).toMatchObject({ error: { code: 'NON_FINITE' } });
    const ttl = await cluster.ttlMs(`{${runId}}:tensors`);
    expect(ttl).toBeGreaterThan(3_500_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
    await directory.want(runId, 'run');
    await coordinator.event(noticeOf('resumed'));
    await reach(runId, 'failed', 5000);
  });
});
