import { fitMeanAndPrecision, type NormalGamma } from '@elbo/vae-core/variational/gaussian-mean-precision';
import { digamma, logGamma } from '@elbo/vae-core/variational/special-functions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGolden } from '../objectives/golden.js';

const golden = readGolden<{
  specialFunctions: { x: number[]; logGamma: number[]; digamma: number[] };
  meanPrecision: { prior: NormalGamma; x: number[]; logEvidence: number };
}>('variational.json');

describe('ln Gamma and its derivative', () => {
  it('equal SciPy from 0.001 to a million', () => {
    const { x, logGamma: expectedLogGamma, digamma: expectedDigamma } = golden.specialFunctions;
    x.forEach((at, i) => {
      expect(Math.abs(logGamma(at) - expectedLogGamma[i]!)).toBeLessThan(1e-14 * Math.max(1, at * Math.log(at + 2)));
      expect(Math.abs(digamma(at) - expectedDigamma[i]!)).toBeLessThan(
        1e-14 * Math.max(1, Math.abs(expectedDigamma[i]!)),
      );
    });
  });
});

/** KL(q(mu) q(tau) || p(mu, tau | data)), the posterior being the normal-gamma distribution of conjugacy. */
function klFromExactPosterior(data: readonly number[], prior: NormalGamma): number {
  const { posterior: q } = fitMeanAndPrecision(data, prior);
  const count = data.length;
  const sampleMean = data.reduce((sum, x) => sum + x, 0) / count;
  const scatter = data.reduce((sum, x) => sum + (x - sampleMean) ** 2, 0);
  const meanPrecision = prior.meanPrecision + count;
  const shape = prior.shape + count / 2;
  const pull = (prior.meanPrecision * count * (sampleMean - prior.mean) ** 2) / meanPrecision;
  const rate = prior.rate + (scatter + pull) / 2;

  const tau = q.shape / q.rate;
  const lnTau = digamma(q.shape) - Math.log(q.rate);
  // q's mean is the posterior's mean, so that only the variance of q(mu) is left of E[(mu - mean)^2].
  const negativeCrossEntropy =
    0.5 * (Math.log(meanPrecision / (2 * Math.PI)) + lnTau - (meanPrecision * tau) / q.precision) +
    shape * Math.log(rate) -
    logGamma(shape) +
    (shape - 1) * lnTau -
    rate * tau;
  const entropy =
    0.5 * (1 + Math.log((2 * Math.PI) / q.precision)) +
    (q.shape - Math.log(q.rate) + logGamma(q.shape) + (1 - q.shape) * digamma(q.shape));
  return -entropy - negativeCrossEntropy;
}

describe("mean-field inference of a Gaussian's mean and precision", () => {
  const { prior, x, logEvidence } = golden.meanPrecision;

  it('bounds ln p(data) from below, and the gap is KL(q || p(mu, tau | data))', () => {
    const bound = fitMeanAndPrecision(x, prior).lowerBounds.at(-1)!;
    const kl = klFromExactPosterior(x, prior);
    expect(kl).toBeGreaterThan(0.01);
    expect(bound + kl).toBeCloseTo(logEvidence, 9);
  });

  it('raises the bound in every iteration, for any data and prior', () => {
    const positive = fc.double({ min: 0.01, max: 20, noNaN: true });
    const value = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.record({ mean: value, meanPrecision: positive, shape: positive, rate: positive }),
        (data, anyPrior) => {
          const { lowerBounds } = fitMeanAndPrecision(data, anyPrior);
          for (let i = 1; i < lowerBounds.length; i++) {
            expect(lowerBounds[i]! - lowerBounds[i - 1]!).toBeGreaterThan(-1e-9 * Math.abs(lowerBounds[i]!));
          }
          expect(lowerBounds.length).toBeLessThan(1000);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses what would give NaN: no data, data that are not finite, an improper prior', () => {
    for (const data of [[], [1, Number.NaN], [1, Number.POSITIVE_INFINITY]]) {
      expect(() => fitMeanAndPrecision(data, prior)).toThrow(RangeError);
    }
    for (const name of ['meanPrecision', 'shape', 'rate'] as const) {
      for (const value of [0, -1, Number.NaN]) {
        expect(() => fitMeanAndPrecision(x, { ...prior, [name]: value })).toThrow(`${name} must be a number above 0`);
      }
    }
  });

  it('ends near the sample mean and precision when the prior says little and the data are many', () => {
    const data = Array.from({ length: 4000 }, (_, i) => 3 + 2 * Math.sin(i * 12.9898));
    const weak = { mean: 0, meanPrecision: 1e-3, shape: 1e-3, rate: 1e-3 };
    const { posterior } = fitMeanAndPrecision(data, weak);
    expect(posterior.mean).toBeCloseTo(3, 1);
    // 2 sin of a uniform angle has the variance 2.
    expect(posterior.shape / posterior.rate).toBeCloseTo(0.5, 2);
  });
});
