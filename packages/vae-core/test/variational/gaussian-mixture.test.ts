import { RandomStreams } from '@elbo/vae-core/random/streams';
import { fitGaussianMixture, type GaussianMixturePrior } from '@elbo/vae-core/variational/gaussian-mixture';
import { logGamma } from '@elbo/vae-core/variational/special-functions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGolden } from '../objectives/golden.js';

const golden = readGolden<{ oneComponent: { prior: GaussianMixturePrior; x: number[]; logEvidence: number } }>(
  'variational.json',
);

const centres = [
  [0, 0],
  [6, 1],
  [-2, 7],
] as const;
/** Example n lies around centre n mod 3 with a standard deviation of 0.8. */
function threeClusters(seed: number, count: number): Float32Array {
  const x = new Float32Array(2 * count);
  new RandomStreams(seed).fillNormal('sampling', 0, 0, 0, x, 0, x.length);
  return x.map((e, at) => centres[(at >> 1) % 3]![at % 2]! + 0.8 * e);
}
const priorWith = (concentration: number): GaussianMixturePrior => ({
  concentration,
  mean: [0, 0],
  meanPrecision: 0.01,
  degreesOfFreedom: 3,
  inverseScale: [1, 0, 0, 1],
});

describe('variational inference of a Bayesian mixture of Gaussians', () => {
  it('is exact with one component: the bound is ln p(data)', () => {
    const { prior, x, logEvidence } = golden.oneComponent;
    const { lowerBounds } = fitGaussianMixture(x, 1, prior, 1);
    expect(lowerBounds[0]).toBeCloseTo(logEvidence, 9);
    expect(lowerBounds.at(-1)).toBeCloseTo(logEvidence, 9);
  });

  it('is ln p(data, assignment) where no example is in doubt about its component', () => {
    const [near, far] = [threeClusters(1, 6).map((x) => x / 10), threeClusters(2, 9).map((x) => 500 + x / 10)];
    const prior = priorWith(0.7);
    const components = 3; // One of them is left empty.
    const fit = fitGaussianMixture([...near, ...far], components, prior, 1);
    expect(fit.responsibilities.every((r) => r < 1e-12 || r > 1 - 1e-12)).toBe(true);

    // Each cluster's own evidence, and that of the assignment: the Dirichlet-multinomial distribution.
    const evidence = (x: Float32Array) => fitGaussianMixture(x, 1, prior, 1).lowerBounds.at(-1)!;
    const [alpha, total] = [prior.concentration, components * prior.concentration];
    const assignment =
      logGamma(total) - logGamma(total + 15) + logGamma(alpha + 6) + logGamma(alpha + 9) - 2 * logGamma(alpha);
    expect(fit.lowerBounds.at(-1)).toBeCloseTo(evidence(near) + evidence(far) + assignment, 8);
  });

  it('never lets the bound fall, for any data, number of components and prior', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat({ max: 1000 }),
          count: fc.integer({ min: 6, max: 60 }),
          components: fc.integer({ min: 1, max: 6 }),
          concentration: fc.double({ min: 1e-3, max: 10, noNaN: true }),
        }),
        ({ seed, count, components, concentration }) => {
          const data = threeClusters(seed, count);
          const { lowerBounds } = fitGaussianMixture(data, components, priorWith(concentration), seed);
          for (let i = 1; i < lowerBounds.length; i++) {
            expect(lowerBounds[i]! - lowerBounds[i - 1]!).toBeGreaterThan(-1e-9 * Math.abs(lowerBounds[i]!));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('finds three clusters among six components, and empties the others', () => {
    const count = 300;
    const { components, concentrations, responsibilities } = fitGaussianMixture(
      threeClusters(1, count),
      6,
      priorWith(1e-3),
      1,
    );
    const used = [...concentrations.keys()].filter((k) => concentrations[k]! > 1);
    expect(used.length).toBe(3);
    for (const centre of centres) {
      const distances = used.map((k) =>
        Math.hypot(components[k]!.mean[0]! - centre[0], components[k]!.mean[1]! - centre[1]),
      );
      expect(Math.min(...distances)).toBeLessThan(0.3);
    }
    for (const k of used) {
      // The expected covariance is near W^-1 / degreesOfFreedom: 0.64 I.
      const { inverseScale, degreesOfFreedom } = components[k]!;
      expect(Math.abs(inverseScale[0]! / degreesOfFreedom - 0.64)).toBeLessThan(0.2);
      expect(Math.abs(inverseScale[1]! / degreesOfFreedom)).toBeLessThan(0.2);
    }
    const mostLikely = (n: number) => {
      const row = responsibilities.subarray(6 * n, 6 * n + 6);
      return row.indexOf(Math.max(...row));
    };
    const wrong = Array.from({ length: count }, (_, n) => n).filter((n) => mostLikely(n) !== mostLikely(n % 3));
    expect(wrong.length).toBeLessThan(3);
  });

  it('prefers three components to one or two by the bound', () => {
    const data = threeClusters(2, 150);
    const bound = (components: number) => fitGaussianMixture(data, components, priorWith(1), 3).lowerBounds.at(-1)!;
    expect(bound(3)).toBeGreaterThan(bound(2));
    expect(bound(2)).toBeGreaterThan(bound(1));
  });

  it('refuses data that are not whole examples, of which it would leave the last out', () => {
    expect(() => fitGaussianMixture(threeClusters(1, 6).subarray(1), 2, priorWith(1), 1)).toThrow(/whole number/);
    expect(() => fitGaussianMixture([], 2, priorWith(1), 1)).toThrow(RangeError);
  });

  it('refuses what would give NaN: data that are not finite, no component, an improper prior', () => {
    const data = [...threeClusters(1, 6)];
    const fit = (change: Partial<GaussianMixturePrior>, components = 2) =>
      fitGaussianMixture(data, components, { ...priorWith(1), ...change }, 1);
    expect(() => fitGaussianMixture([...data, Number.NaN, 1], 2, priorWith(1), 1)).toThrow(/NaN or infinite/);
    for (const components of [0, 1.5]) expect(() => fit({}, components)).toThrow(/1 component or more/);
    expect(() => fit({ concentration: 0 })).toThrow(/concentration must be a number above 0/);
    expect(() => fit({ meanPrecision: 0 })).toThrow(/meanPrecision must be a number above 0/);
    expect(() => fit({ degreesOfFreedom: 1 })).toThrow(/degreesOfFreedom must be a number above 1/);
    expect(() => fit({ inverseScale: [1, 0, 1] })).toThrow(/has 3 numbers, not 2 x 2/);
  });

  it('keeps a concentration that vanishes beside the degrees of freedom', () => {
    const { concentrations, lowerBounds } = fitGaussianMixture(threeClusters(1, 30), 6, priorWith(1e-20), 1);
    expect(Math.min(...concentrations)).toBe(1e-20);
    expect(Number.isFinite(lowerBounds.at(-1))).toBe(true);
  });

  it('reads the lower triangle of inverseScale', () => {
    const bound = (inverseScale: number[]) =>
      fitGaussianMixture(threeClusters(1, 30), 2, { ...priorWith(1), inverseScale }, 1).lowerBounds.at(-1);
    expect(bound([1, 9, 0.5, 1])).toBe(bound([1, 0.5, 0.5, 1]));
  });

  it('gives the same bits for the same seed, and responsibilities that add up to 1', () => {
    const data = threeClusters(1, 60);
    const fit = fitGaussianMixture(data, 4, priorWith(1), 5);
    expect(fit.lowerBounds.length).toBeLessThan(500);
    expect(fitGaussianMixture(data, 4, priorWith(1), 5)).toEqual(fit);
    for (let n = 0; n < 60; n++) {
      expect(fit.responsibilities.subarray(4 * n, 4 * n + 4).reduce((sum, r) => sum + r, 0)).toBeCloseTo(1, 12);
    }
  });
});
