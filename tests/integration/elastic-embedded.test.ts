import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { EmbeddedTestCluster, type Manners } from '../support/embedded-cluster.js';

const spec = specOf({
  seed: 11,
  dataset: { name: 'gaussian-mixture', limit: 300 },
  model: {
    latentDim: 2,
    encoder: { hidden: [8] },
    decoder: { hidden: [8] },
    likelihood: { kind: 'gaussian', variance: 0.5 },
  },
  training: { epochs: 2, globalBatchSize: 64, shardsPerStep: 3, microbatchSize: 10, learningRate: 0.01 },
});
const steps = 10;

interface Joiner extends Manners {
  /** Joins when the run has done so many steps. */
  readonly atStep: number;
}

const joiner: fc.Arbitrary<Joiner> = fc.record(
  {
    atStep: fc.nat({ max: steps - 2 }),
    delaysMs: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }),
    duplicates: fc.boolean(),
    leavesAfter: fc.integer({ min: 1, max: 8 }),
  },
  { requiredKeys: ['atStep'] },
);

let runs = 0;

async function trainWith(joiners: readonly Joiner[]): Promise<ConductedRun> {
  const cluster = new EmbeddedTestCluster();
  const run = new ConductedRun(cluster.transport, spec, `elastic-${++runs}`, cluster.surroundings);
  // One stays to the end: a run without a worker waits.
  cluster.join('steady', { delaysMs: [3] });
  const joining = joiners.map(async ({ atStep, ...manners }, i) => {
    if (atStep > 0) await run.step(atStep);
    cluster.join(`worker-${i}`, manners);
  });
  try {
    await run.ended;
    await Promise.allSettled(joining);
    return run;
  } finally {
    await cluster.close();
  }
}

describe('the same bits, whoever computes them', () => {
  it('with any schedule of workers that join, leave in the middle of a shard, dawdle and contribute twice', async () => {
    const undisturbed = await (await trainWith([])).ended;
    expect(undisturbed).toMatch(/^[0-9a-f]{64}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(joiner, { minLength: 1, maxLength: 5 }), async (joiners) => {
        const run = await trainWith(joiners);
        expect(await run.ended).toBe(undisturbed);
        expect(run.lastStep).toBe(steps);
      }),
      { numRuns: 30, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    );
  });
});
