import { MomentConstraintError } from '@elbo/vae-core/variational/errors';
import { maximumEntropy } from '@elbo/vae-core/variational/maximum-entropy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const faces = [1, 2, 3, 4, 5, 6];
const entropyOf = (p: readonly number[]) => p.reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);

describe('the distribution of the largest entropy', () => {
  it("of a die whose mean is 4.5 is Jaynes's", () => {
    const { probabilities, multipliers } = maximumEntropy([faces], [4.5]);
    const published = [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749];
    published.forEach((p, i) => {
      expect(Math.abs(probabilities[i]! - p)).toBeLessThan(6e-6);
    });
    expect(multipliers[0]).toBeCloseTo(0.37105, 4);
  });

  it('of a die whose mean is 3.5 is uniform', () => {
    const { probabilities, entropy } = maximumEntropy([faces], [3.5]);
    for (const p of probabilities) expect(p).toBeCloseTo(1 / 6, 12);
    expect(entropy).toBeCloseTo(Math.log(6), 12);
  });

  it('with a given mean and variance on a fine grid is the Gaussian', () => {
    const [mean, variance, step] = [0.7, 1.3, 0.05];
    const grid = Array.from({ length: 401 }, (_, i) => (i - 200) * step);
    const squares = grid.map((x) => x * x);
    const { probabilities, multipliers, entropy } = maximumEntropy([grid, squares], [mean, variance + mean ** 2]);
    grid.forEach((x, i) => {
      const density = Math.exp(-((x - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
      expect(Math.abs(probabilities[i]! / step - density)).toBeLessThan(1e-9);
    });
    expect(multipliers[0]).toBeCloseTo(mean / variance, 8);
    expect(multipliers[1]).toBeCloseTo(-1 / (2 * variance), 8);
    expect(entropy + Math.log(step)).toBeCloseTo(0.5 * Math.log(2 * Math.PI * Math.E * variance), 8);
  });

  it('does not depend on the unit of the features', () => {
    const { probabilities, multipliers } = maximumEntropy([faces], [4.5]);
    for (const unit of [1e-9, 1e8, 1e12]) {
      const scaled = maximumEntropy([faces.map((x) => x * unit)], [4.5 * unit]);
      scaled.probabilities.forEach((p, i) => {
        expect(p).toBeCloseTo(probabilities[i]!, 9);
      });
      expect(scaled.multipliers[0]! * unit).toBeCloseTo(multipliers[0]!, 9);
    }
  });

  it('has the moments asked for, also close to the ends, where nearly all the mass is on one point', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.001, max: 5.999, noNaN: true }), (mean) => {
        const { probabilities } = maximumEntropy([faces], [mean]);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        expect(probabilities.reduce((sum, p, i) => sum + p * faces[i]!, 0)).toBeCloseTo(mean, 9);
      }),
    );
  });

  it('has more entropy than any other distribution with the same moments', () => {
    const best = maximumEntropy([faces], [4.5]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.double({ min: -0.02, max: 0.02, noNaN: true }), (i, shift) => {
        fc.pre(Math.abs(shift) > 1e-5);
        // Moving mass by (1, -2, 1) on three neighbouring faces leaves the total and the mean as they are.
        const other = [...best.probabilities];
        [1, -2, 1].forEach((share, j) => {
          other[i + j] = other[i + j]! + share * shift;
        });
        fc.pre(other.every((p) => p >= 0));
        expect(entropyOf(other)).toBeLessThan(best.entropy);
      }),
    );
  });

  it('is refused, with the reason, for a mean that no die can have and for features that repeat each other', () => {
    expect(() => maximumEntropy([faces], [6.5])).toThrow(MomentConstraintError);
    expect(() => maximumEntropy([faces], [6])).toThrow(MomentConstraintError);
    // Each moment is possible, but not the two together: E[x^2] >= E[x]^2.
    expect(() => maximumEntropy([faces, faces.map((x) => x * x)], [4, 15])).toThrow(MomentConstraintError);
    expect(() => maximumEntropy([faces, faces.map((x) => 2 * x)], [4, 8])).toThrow(MomentConstraintError);
    expect(() => maximumEntropy([faces, [1, 2]], [4, 1])).toThrow(RangeError);
  });
});
