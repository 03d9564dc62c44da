import { objectiveSpecSchema, trainingSpecSchema } from '@elbo/protocol/run-spec';
import { betaAt } from '@elbo/vae-core/schedules/beta';
import { learningRateAt } from '@elbo/vae-core/schedules/learning-rate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const rates = (training: object, totalSteps: number) => {
  const spec = trainingSpecSchema.parse({ learningRate: 0.1, ...training });
  return Array.from({ length: totalSteps + 1 }, (_, step) => learningRateAt(spec, totalSteps, step));
};

describe('the learning rate', () => {
  it('is constant unless told otherwise', () => {
    expect(new Set(rates({}, 50))).toEqual(new Set([0.1]));
  });

  it('falls by a factor every so many steps', () => {
    const steps = rates({ schedule: { kind: 'steps', everySteps: 3, factor: 0.5 } }, 8);
    expect(steps).toEqual([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025]);
  });

  it('follows half a cosine to the end of the run, and ends exactly at the final factor', () => {
    const cosine = rates({ schedule: { kind: 'cosine', finalFactor: 0.2 } }, 8);
    expect(cosine[0]).toBe(0.1);
    expect(cosine[4]).toBeCloseTo(0.06, 12); // half of the way: the mean of 0.1 and 0.02
    expect(cosine[8]).toBe(0.1 * 0.2);
  });

  it('ends the cosine at decaySteps when they are given, and stays there', () => {
    const cosine = rates({ schedule: { kind: 'cosine', decaySteps: 4, finalFactor: 0 } }, 9);
    expect(cosine.slice(4)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(cosine[2]).toBeCloseTo(0.05, 12);
  });

  it('warms up linearly from the first step, which is not wasted, to the schedule exactly', () => {
    const warm = rates({ warmupSteps: 4 }, 6);
    expect(warm).toEqual([0.1 * 0.25, 0.1 * 0.5, 0.1 * 0.75, 0.1, 0.1, 0.1, 0.1]);
    const both = rates({ warmupSteps: 4, schedule: { kind: 'cosine' } }, 6);
    const plain = rates({ schedule: { kind: 'cosine' } }, 6);
    expect(both.slice(3)).toEqual(plain.slice(3));
    expect(both[1]).toBe((plain[1] as number) * 0.5);
  });

  it('never rises after the warm-up and stays between the final and the full rate', () => {
    const schedules = fc.oneof(
      fc.record({
        kind: fc.constant('steps'),
        everySteps: fc.integer({ min: 1, max: 50 }),
        factor: fc.double({ min: 0.01, max: 1, noNaN: true }),
      }),
      fc.record({ kind: fc.constant('cosine'), finalFactor: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(
        schedules,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 20 }),
        (schedule, total, warmupSteps) => {
          const all = rates({ schedule, warmupSteps }, total);
          const floor = 'finalFactor' in schedule ? 0.1 * schedule.finalFactor : 0;
          all.forEach((rate, step) => {
            expect(rate).toBeLessThanOrEqual(0.1);
            if (step < warmupSteps) return;
            expect(rate).toBeGreaterThanOrEqual(floor * (1 - 1e-12));
            expect(rate).toBeLessThanOrEqual((all[step - 1] ?? 0.1) * (1 + 1e-12));
          });
        },
      ),
      { seed: 1 },
    );
  });
});

describe('beta', () => {
  const betas = (objective: object, steps: number) => {
    const spec = objectiveSpecSchema.parse(objective);
    return Array.from({ length: steps }, (_, step) => betaAt(spec, step));
  };

  it('is constant without a warm-up', () => {
    expect(betas({ beta: 4 }, 3)).toEqual([4, 4, 4]);
    expect(betas({}, 2)).toEqual([1, 1]);
  });

  it('rises linearly from 0 and is exactly beta from the end of the warm-up on', () => {
    expect(betas({ beta: 2, betaWarmupSteps: 4 }, 7)).toEqual([0, 0.5, 1, 1.5, 2, 2, 2]);
    expect(betas({ beta: 0, betaWarmupSteps: 2 }, 4)).toEqual([0, 0, 0, 0]);
  });

  it('never falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.integer({ min: 0, max: 300 }),
        (beta, betaWarmupSteps) => {
          const all = betas({ beta, betaWarmupSteps }, 310);
          expect(all.every((b, step) => b >= (all[step - 1] ?? 0) && b <= beta)).toBe(true);
          expect(all[betaWarmupSteps]).toBe(beta);
        },
      ),
      { seed: 1 },
    );
  });
});
