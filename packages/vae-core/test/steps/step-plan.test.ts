import { evaluationDraw } from '@elbo/vae-core/steps/evaluation-draw';
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

  // They decide the bits of every run whose spec leaves the cut open, and of every evaluation.
  it('does not change from one version to the next', () => {
    expect(defaultCut(1)).toEqual({ shardsPerStep: 2, microbatchSize: 1 });
    expect(defaultCut(128)).toEqual({ shardsPerStep: 2, microbatchSize: 64 });
    expect(defaultCut(1024)).toEqual({ shardsPerStep: 2, microbatchSize: 512 });
    expect(defaultCut(1025)).toEqual({ shardsPerStep: 4, microbatchSize: 257 });
    expect(defaultCut(8192)).toEqual({ shardsPerStep: 4, microbatchSize: 512 });
    expect(planEvaluation(10_000)).toHaveLength(4);
    expect(planEvaluation(10_001)).toHaveLength(5);
    expect(planEvaluation(0)).toEqual([]);
  });
});

describe('the noise of an evaluation', () => {
  it('is keyed by a number of its own for each epoch and split', () => {
    const splits = ['train', 'validation', 'test'] as const;
    const draws = [0, 1, 2, 3].flatMap((epoch) => splits.map((split) => evaluationDraw(epoch, split)));
    expect(draws).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});
