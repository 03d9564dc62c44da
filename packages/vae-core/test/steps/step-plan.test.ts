import { cutBySize, defaultCut, planEvaluation, planStep, stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const sizes = fc.record({
  trainExamples: fc.integer({ min: 1, max: 5000 }),
  globalBatchSize: fc.integer({ min: 1, max: 700 }),
  shardsPerStep: fc.integer({ min: 1, max: 16 }),
  microbatchSize: fc.integer({ min: 1, max: 200 }),
});

describe('the cut of a run', () => {
  it('covers every position of every epoch exactly once, in order, whatever the sizes', () => {
    fc.assert(
      fc.property(sizes, ({ trainExamples, ...cut }) => {
        const perEpoch = stepsPerEpoch(trainExamples, cut.globalBatchSize);
        for (const epoch of [0, 2]) {
          let position = 0;
          for (let step = epoch * perEpoch; step < (epoch + 1) * perEpoch; step++) {
            const plan = planStep(cut, trainExamples, step);
            expect(plan.epoch).toBe(epoch);
            let samples = 0;
            for (const shard of plan.shards) {
              for (const { begin, end } of cutBySize(shard, cut.microbatchSize)) {
                expect(begin).toBe(position);
                expect(end - begin).toBeGreaterThan(0);
                expect(end - begin).toBeLessThanOrEqual(cut.microbatchSize);
                samples += end - begin;
                position = end;
              }
            }
            expect(samples).toBe(plan.sampleCount);
          }
          expect(position).toBe(trainExamples);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives shards whose sizes differ by one at the most, and none that is empty', () => {
    fc.assert(
      fc.property(sizes, ({ trainExamples, ...cut }) => {
        const lengths = planStep(cut, trainExamples, 0).shards.map(({ begin, end }) => end - begin);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
        expect(Math.min(...lengths)).toBeGreaterThan(0);
        expect(lengths.length).toBeLessThanOrEqual(cut.shardsPerStep);
      }),
    );
  });

  it('leaves a smaller last step: 60,000 examples in batches of 128 are 468 whole steps and one of 96', () => {
    const cut = { globalBatchSize: 128, ...defaultCut(128) };
    expect(stepsPerEpoch(60_000, 128)).toBe(469);
    expect(planStep(cut, 60_000, 467).sampleCount).toBe(128);
    expect(planStep(cut, 60_000, 468).sampleCount).toBe(96);
  });

  it('covers a split in an evaluation, in its own order', () => {
    for (const examples of [1, 499, 2500, 2501, 10_000]) {
      const shards = planEvaluation(examples);
      expect(shards[0]?.begin).toBe(0);
      expect(shards.at(-1)?.end).toBe(examples);
      for (const [i, shard] of shards.slice(1).entries()) expect(shard.begin).toBe(shards[i]?.end);
    }
  });
});
