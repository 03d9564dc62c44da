import { StepPhases } from '@elbo/coordinator/step-phases';
import type { ContributionHeader } from '@elbo/protocol/messages';
import { describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../../../tests/support/conducted-run.js';
import { EmbeddedTestCluster } from '../../../tests/support/embedded-cluster.js';

let time = 0;
const now = () => time;
const job = {
  kind: 'gradient',
  runId: 'r',
  lease: 1,
  conductor: '',
  parameterVersion: 0,
  shard: 0,
  attempt: 0,
  step: 0,
} as const;
const contribution = (workerId: string, computeMs: number, sampleCount = 128): ContributionHeader => {
  const terms = { reconstructionLogProb: -1, klDivergence: 1, klPerDimension: [1], sampleCount };
  return { job, workerId, terms, computeMs };
};

describe('the phases of a step', () => {
  it('are the slowest worker’s threads, the reduction, nothing to do, and the rest', async () => {
    const phases = new StepPhases(now);
    phases.begin();
    time += 3; // nobody has a shard yet
    phases.inHands(true);
    time += 20;
    phases.counted(contribution('a', 5), 1, 128);
    phases.counted(contribution('a', 6), 1, 128);
    phases.counted(contribution('b', 8), 1, 128);
    phases.inHands(false);
    await phases.reducing(async () => {
      time += 4;
    });
    time += 1;
    expect(phases.end(28)).toEqual({ computeMs: 11, transportMs: 9, reduceMs: 4, waitMs: 4 });
    expect(phases.end(0)).toEqual({ computeMs: 0, transportMs: 0, reduceMs: 0, waitMs: 0 });
  });

  it('count a worker’s threads as they run: beside each other, unless a shard is one microbatch', async () => {
    const phases = new StepPhases(now);
    phases.begin();
    phases.inHands(true);
    time += 20;
    for (let shard = 0; shard < 2; shard++) phases.counted(contribution('a', 12, 512), 4, 128);
    await phases.reducing(async () => {});
    // The next step's, before this one is told of.
    phases.counted(contribution('a', 4, 128), 4, 128);
    expect(phases.end(20).computeMs).toBe(6);
    await phases.reducing(async () => {});
    expect(phases.end(20).computeMs).toBe(4);
    phases.counted(contribution('a', 12, 100), 4, 128);
    time += 20;
    await phases.reducing(async () => {});
    expect(phases.end(20).computeMs).toBe(12);
  });

  it('do not count as waiting what was before the step, nor what the reduction takes', async () => {
    const phases = new StepPhases(now);
    time += 1000;
    phases.begin();
    phases.inHands(true);
    time += 5;
    phases.inHands(false);
    await phases.reducing(async () => {
      time += 2;
      phases.inHands(true);
      time += 2;
    });
    expect(phases.end(9)).toMatchObject({ waitMs: 0, reduceMs: 4 });
  });

  it('never are more than the step, whatever the clocks of the workers say', async () => {
    const phases = new StepPhases(now);
    phases.begin();
    phases.inHands(true);
    phases.counted(contribution('a', 1e6), 1, 128);
    time += 7;
    await phases.reducing(async () => {});
    expect(phases.end(7)).toEqual({ computeMs: 7, transportMs: 0, reduceMs: 0, waitMs: 0 });
  });
});

describe('a run', () => {
  it('says of each step where its time went', async () => {
    const cluster = new EmbeddedTestCluster();
    const spec = specOf({
      dataset: { name: 'mnist', limit: 1280 },
      model: { latentDim: 4, encoder: { hidden: [32] }, decoder: { hidden: [32] } },
      training: { epochs: 2, globalBatchSize: 128, shardsPerStep: 2 },
    });
    const run = new ConductedRun(cluster.transport, spec, 'phases', cluster.surroundings);
    for (const workerId of ['a', 'b']) cluster.join(workerId);
    await run.ended;
    await cluster.close();
    const steps = run.events.filter((event) => event.event === 'step');
    expect(steps.length).toBe(20);
    for (const { phases } of steps) {
      expect(phases).toBeDefined();
      expect(Math.min(...Object.values(phases ?? {}))).toBeGreaterThanOrEqual(0);
    }
    const sum = (of: 'computeMs' | 'reduceMs') => steps.reduce((total, { phases }) => total + (phases?.[of] ?? 0), 0);
    expect(sum('computeMs')).toBeGreaterThan(0);
    expect(sum('reduceMs')).toBeGreaterThan(0);
  });
});
