import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConductPhase, conductPhases } from '@elbo/coordinator/phases';
import type { RunEvent } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CoordinatorProcess, TestCluster } from '../support/cluster.js';
import { ElboProcess, temporaryFolder } from '../support/elbo.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { recordedLearning } from '../support/run-records.js';

/** Small, uneven, and in more steps than there are ways to die. */
const spec = runSpecSchema.parse({
  name: 'taken',
  seed: 11,
  dataset: { name: 'mnist', limit: 1000 },
  model: { latentDim: 8, encoder: { hidden: [64] }, decoder: { hidden: [64] } },
  training: { epochs: 3, globalBatchSize: 192, shardsPerStep: 3 },
});
/** Saved whenever nothing is being saved. */
const eager = { redis: 0, folder: 0 };
const stepIn = (event: RunEvent) => event.event === 'step';
const started = (event: RunEvent) => event.event === 'run-started';
const finish = (event: RunEvent) => event.event === 'run-finished';

describe.skipIf(!redisForTests)('a run whose coordinator is lost', () => {
  let redis: TestRedis;
  let cluster: TestCluster;
  let undisturbed: { readonly sha256: string; readonly learning: unknown[] };

  beforeAll(async () => {
    redis = await startTestRedis();
    undisturbed = await trainUndisturbed();
  });
  afterAll(() => redis?.stop());
  beforeEach(async () => {
    cluster = await TestCluster.start(redis, 1);
  });
  afterEach(() => cluster.stop());

  const expectSameAsUndisturbed = async (on: TestCluster, runId: string, finished: RunEvent) => {
    expect(finished).toMatchObject({ outcome: 'completed', parametersSha256: undisturbed.sha256 });
    expect(await recordedLearning(on.runFolder(runId))).toEqual(undisturbed.learning);
  };

  /** Strikes down one coordinator after another. Returns the milliseconds from each death to the next step. */
  const strikeAtEach = async (on: TestCluster, phases: readonly ConductPhase[]): Promise<number[]> => {
    const runId = 'run-struck-often';
    const strikes = phases.map((phase, i) => ({ phase, fromStep: 3 * i }));
    let conductor = on.addCoordinator({ ...(strikes[0] ? { strike: strikes[0] } : {}), checkpointIntervals: eager });
    const recoveries: number[] = [];
    await on.submit(runId, spec);
    await conductor.event(started);
    for (const strike of [...strikes.slice(1), undefined]) {
      const standby = on.addCoordinator({ ...(strike ? { strike } : {}), checkpointIntervals: eager });
      expect(await conductor.gone).toBe('SIGKILL');
      const struckAt = performance.now();
      await standby.event(stepIn);
      recoveries.push(performance.now() - struckAt);
      conductor = standby;
    }
    await expectSameAsUndisturbed(on, runId, await conductor.event(finish));
    return recoveries;
  };

  it('at any point of a step is taken over within five seconds, each time, and ends with the same bits', async () => {
    // Two runs at once, each struck three times: most of the time they wait for a lease to run out.
    const phases = [conductPhases.slice(0, 3), conductPhases.slice(3)];
    const others = await TestCluster.start(redis, 1);
    try {
      const recoveries = await Promise.all([cluster, others].map((one, i) => strikeAtEach(one, phases[i] ?? [])));
      console.info(`taken over after ${recoveries.flat().map(Math.round).join(', ')} ms`);
      expect(recoveries.flat()).toHaveLength(conductPhases.length);
      expect(Math.max(...recoveries.flat())).toBeLessThan(5000);
    } finally {
      await others.stop();
    }
  });

  it('before its first snapshot begins again, and ends with the same bits', async () => {
    const runId = 'run-without-snapshot';
    const first = cluster.addCoordinator({ strike: { phase: 'after-update', fromStep: 3 } });
    await cluster.submit(runId, spec);
    await first.event(started);
    const second = cluster.addCoordinator();
    await first.gone;
    await expectSameAsUndisturbed(cluster, runId, await second.event(finish));
    expect(second.events.some((event) => event.event === 'notice' && event.code === 'resumed')).toBe(false);
  });

  it('because it was held past its lease goes on elsewhere, and the held one can do no harm', async () => {
    const runId = 'run-held';
    const held = cluster.addCoordinator({ checkpointIntervals: eager });
    await cluster.submit(runId, spec);
    await held.event((event) => event.event === 'step' && event.step === 4);
    held.child.kill('SIGSTOP');
    const next = cluster.addCoordinator({ checkpointIntervals: eager });
    await next.event(stepIn);
    held.child.kill('SIGCONT');
    await held.event((event) => event.event === 'notice' && event.code === 'deposed');
    await expectSameAsUndisturbed(cluster, runId, await next.event(finish));
    expect(held.events.some(finish)).toBe(false);
    // It serves on: the next run may be its.
    await next.kill('SIGKILL');
    await cluster.submit('run-afterwards', spec);
    await expectSameAsUndisturbed(cluster, 'run-afterwards', await held.event(finish));
  });

  it('or not: one whose event loop is held up for a second, again and again, keeps its run from a stand-by', async () => {
    const runId = 'run-kept';
    const busy = cluster.addCoordinator({ busy: { everySteps: 4, ms: 1200 }, checkpointIntervals: eager });
    await cluster.submit(runId, spec);
    await busy.event(started);
    const standby = cluster.addCoordinator();
    await expectSameAsUndisturbed(cluster, runId, await busy.event(finish));
    expect(standby.events.some(started)).toBe(false);
  });

  it('because it was told to stop is given to another at once, which needs no folder of the first', async () => {
    const runId = 'run-given-back';
    const first = cluster.addCoordinator();
    await cluster.submit(runId, spec);
    await first.event((event) => event.event === 'step' && event.step === 5);
    const stoppedAt = performance.now();
    const second = cluster.addCoordinator({ elsewhere: true });
    first.child.kill('SIGTERM');
    expect(await first.gone).toBe(0);
    expect(first.events.some(finish)).toBe(false);
    const resumed = await second.event((event) => event.event === 'notice' && event.code === 'resumed');
    expect(resumed).toMatchObject({
      message: expect.stringMatching(/^goes on after step \d+, from the snapshot in Redis$/),
    });
    expect(performance.now() - stoppedAt).toBeLessThan(4000);
    const missing = await second.event((event) => event.event === 'notice' && event.code === 'metrics-missing');
    expect(missing).toMatchObject({ message: expect.stringContaining('has no record of steps 1 to ') });
    expect(await second.event(finish)).toMatchObject({ outcome: 'completed', parametersSha256: undisturbed.sha256 });
  });

  it('and whose lease is still held elsewhere waits for it, and is not dropped', async () => {
    const runId = 'run-busy';
    const { store } = cluster.transport;
    const lease = await store.acquireLease(runId, 'somebody', 60_000);
    expect(lease).not.toBeNull();
    const coordinator = cluster.addCoordinator();
    await cluster.submit(runId, spec);
    await cluster.submit('run-meanwhile', spec);
    // The coordinator has tried the busy one and gone on to the next.
    await coordinator.event((event) => event.event === 'run-finished' && event.runId === 'run-meanwhile');
    expect(coordinator.events.some((event) => event.runId === runId)).toBe(false);
    if (lease) await store.releaseLease(lease);
    await expectSameAsUndisturbed(
      cluster,
      runId,
      await coordinator.event((event) => event.event === 'run-finished' && event.runId === runId),
    );
  });

  it('because it was told to stop while it had no worker is given back, and does not hang', async () => {
    const runId = 'run-without-workers';
    const alone = await TestCluster.start(redis, 0);
    try {
      const first = alone.addCoordinator();
      await alone.submit(runId, spec);
      await first.event(started);
      first.child.kill('SIGTERM');
      expect(await first.gone).toBe(0);
      alone.addWorker();
      const second = alone.addCoordinator();
      await expectSameAsUndisturbed(alone, runId, await second.event(finish));
    } finally {
      await alone.stop();
    }
  });

  it('or not: two coordinators that start at once conduct it once', async () => {
    const runId = 'run-conducted-once';
    await cluster.submit(runId, spec);
    const pair = [cluster.addCoordinator(), cluster.addCoordinator()] as const;
    const finished = await Promise.race(pair.map((one) => one.event(finish)));
    await expectSameAsUndisturbed(cluster, runId, finished);
    // The record says so to whoever finds the job again.
    await cluster.submit(runId, spec);
    await cluster.submit('run-next', spec);
    await Promise.race(pair.map((one) => one.event((event) => event.runId === 'run-next' && finish(event))));
    const starts = pair.flatMap((one: CoordinatorProcess) =>
      one.events.filter((event) => event.event === 'run-started'),
    );
    expect(starts.map(({ runId: id }) => id).sort()).toEqual([runId, 'run-next']);
  });
});

async function trainUndisturbed() {
  const folder = await temporaryFolder();
  try {
    const specFile = join(folder.path, 'spec.json');
    await writeFile(specFile, JSON.stringify(spec));
    const out = join(folder.path, 'run');
    const { finished, stderr } = await new ElboProcess(['train', specFile, '--threads', '1', '--out', out]).result;
    if (!finished) throw new Error(stderr);
    return { sha256: finished.parametersSha256, learning: await recordedLearning(out) };
  } finally {
    await folder.remove();
  }
}
