import type { RunSpecInput } from '@elbo/protocol/run-spec';
import { thisBuild } from '@elbo/worker/worker-build';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { EmbeddedTestCluster } from '../support/embedded-cluster.js';

const small = {
  seed: 3,
  dataset: { name: 'gaussian-mixture', limit: 256 },
  model: { latentDim: 2, encoder: { hidden: [8] }, decoder: { hidden: [8] }, likelihood: { kind: 'gaussian' } },
} as const satisfies RunSpecInput;
const training = { epochs: 2, globalBatchSize: 32, shardsPerStep: 2, microbatchSize: 8 } as const;
/** Steps of a hundred times the gradient: the parameters leave float32 within a few of them. */
const exploding = { ...training, learningRate: 100, optimizer: { kind: 'sgd' } } as const;

let cluster: EmbeddedTestCluster;
beforeEach(() => {
  cluster = new EmbeddedTestCluster();
});
afterEach(() => cluster.close());

let runs = 0;

function conduct(spec: RunSpecInput): ConductedRun {
  return new ConductedRun(cluster.transport, specOf(spec), `faulty-run-${++runs}`, cluster.surroundings);
}

describe('a gradient or a term that is not finite', () => {
  it('stops the run, names step, shard, example and parameter, and saves the state before it', async () => {
    cluster.join('worker');
    const run = conduct({ ...small, training: exploding });
    const error = await run.ended.catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'NON_FINITE', step: run.lastStep });
    expect((error as Error).message).toMatch(
      /step \d+, shard \d: (reconstructionLogProb|klDivergence) of example \d+ is (NaN|-?Infinity) \(in the microbatch of positions \d+ to \d+\)(, and so is the gradient of (encoder|decoder)\.[\w.]+)?\. The state after \d+ steps? is saved\. Lower the learning rate/,
    );
    expect(run.savedSteps.at(-1)).toBe(run.lastStep);
    expect(run.events.at(-1)).toMatchObject({ event: 'run-failed', code: 'NON_FINITE' });
  });

  it('costs only its own step when the spec says so, and the same bits come out again', async () => {
    cluster.join('a');
    cluster.join('b', { delaysMs: [2] });
    const spec: RunSpecInput = { ...small, training: { ...exploding, onNonFinite: 'skip' } };
    const run = conduct(spec);
    const hash = await run.ended;
    expect(run.notices('step-skipped').length).toBeGreaterThan(0);
    expect(run.notices('step-skipped')[0]).toMatch(/^step \d+, shard \d: .* The update of this step is left out$/);
    await cluster.close();

    cluster = new EmbeddedTestCluster();
    cluster.join('alone');
    const again = conduct(spec);
    expect(await again.ended).toBe(hash);
    expect(again.notices('step-skipped')).toEqual(run.notices('step-skipped'));
    // The first, the second, the fourth and so on: few are told, and all are counted.
    const [total] = run.notices('steps-skipped');
    const skipped = Number(/the updates of (\d+) steps were left out/.exec(total ?? '')?.[1]);
    expect(run.notices('step-skipped')).toHaveLength(Math.floor(Math.log2(skipped)) + 1);
  });

  it('is found in the gradient, too, when all terms are finite', async () => {
    cluster.join('worker');
    // The log-probability of an example stays within float32; the gradient, a sum over 32 of them, does not.
    const run = conduct({
      ...small,
      model: { ...small.model, likelihood: { kind: 'gaussian', variance: 5e-38 } },
      training: { ...training, shardsPerStep: 1 },
    });
    const error = await run.ended.catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'NON_FINITE' });
    expect((error as Error).message).toMatch(
      /step 1, shard 0 \(positions 0 to 31\): the gradient of decoder\.[\w.]+\[\d+\] is (NaN|-?Infinity)/,
    );
    expect(run.savedSteps).toEqual([0]);
  });
});

describe('a shard that fails on every attempt', () => {
  it('fails the run after three, and says which shard and why', async () => {
    cluster.join('worker', {
      failsOn: (task) => task.kind === 'gradient' && task.step === 3 && task.range.begin === 112,
    });
    const run = conduct({ ...small, training });
    const error = await run.ended.catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'POISONED_SHARD', attempts: 3 });
    expect((error as Error).message).toMatch(
      /shard 1 of step 4 failed 3 times, the last time with: the engine is broken/,
    );
    expect(run.lastStep).toBe(3);
  });

  it('does not fail it when one worker alone cannot compute it', async () => {
    const undisturbed = conduct({ ...small, training });
    cluster.join('sound');
    const hash = await undisturbed.ended;
    await cluster.close();

    cluster = new EmbeddedTestCluster();
    let failures = 0;
    cluster.join('broken', { failsOn: (task) => task.kind === 'gradient' && failures++ < 2 });
    cluster.join('sound');
    expect(await conduct({ ...small, training }).ended).toBe(hash);
  });
});

describe('a worker that is not like the others', () => {
  const build = thisBuild();
  it.each([
    ['of another version', { ...build, version: '0.0.9' }, /its Elbo is 0\.0\.9, and the coordinator's is/],
    ['with another engine', { ...build, engines: { compiled: 'onnxruntime-node 1.0.0' } }, /onnxruntime-node 1\.0\.0/],
    ['on another CPU type', { ...build, cpu: 'x64 GenuineIntel avx2' }, /its CPU type is 'x64 GenuineIntel avx2'/],
  ])('%s is refused by an exact run, which goes on without it', async (_title, other, why) => {
    cluster.join('first', { delaysMs: [1] });
    const run = conduct({ ...small, training });
    await run.step(1);
    cluster.join('other', { build: other });
    await run.event((event) => event.event === 'notice' && event.code === 'worker-refused');
    expect(run.notices('worker-refused')[0]).toMatch(why);
    expect(run.notices('worker-refused')[0]).toMatch(
      /refused the worker other of .*: use the same, or train with exact: false/,
    );
    await run.ended;
    expect(run.counted.has('other')).toBe(false);
  });

  it('may work for a run that does not ask for exactness, with a warning', async () => {
    cluster.join('first', { delaysMs: [5] });
    const run = conduct({ ...small, exact: false, training });
    await run.step(1);
    cluster.join('other', { build: { ...build, cpu: 'x64 GenuineIntel avx2' } });
    await run.contributions('other', 1);
    await run.ended;
    expect(run.notices('worker-differs')).toHaveLength(1);
    expect(run.notices('worker-differs')[0]).toMatch(/the result may differ in its last bits/);
  });
});
