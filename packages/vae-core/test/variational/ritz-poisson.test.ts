import { RandomStreams } from '@elbo/vae-core/random/streams';
import { type PiecewiseLinear, ritzEnergy, solvePoisson } from '@elbo/vae-core/variational/ritz-poisson';
import { describe, expect, it } from 'vitest';

/** -u'' = pi^2 sin(pi x): u = sin(pi x), and J(u) = -1/2 int f u = -pi^2 / 4. */
const f = (x: number) => Math.PI ** 2 * Math.sin(Math.PI * x);
const solution = (x: number) => Math.sin(Math.PI * x);
const leastEnergy = -(Math.PI ** 2) / 4;

function l2Error({ h, values }: PiecewiseLinear): number {
  let sum = 0;
  const points = 20;
  for (let element = 0; element + 1 < values.length; element++) {
    for (let i = 0; i < points; i++) {
      const t = (i + 0.5) / points;
      const difference = (1 - t) * values[element]! + t * values[element + 1]! - solution((element + t) * h);
      sum += (difference * difference * h) / points;
    }
  }
  return Math.sqrt(sum);
}

describe("Ritz's method for -u'' = f", () => {
  const meshes = [4, 8, 16, 32, 64, 128];
  const solutions = meshes.map((elements) => solvePoisson(f, elements));

  it('converges as h^2: the L2 error falls to a quarter when h is halved', () => {
    const errors = solutions.map(l2Error);
    for (let i = 1; i < errors.length; i++) expect(errors[i - 1]! / errors[i]!).toBeCloseTo(4, i < 3 ? 0 : 1);
    expect(errors.at(-1)).toBeLessThan(1e-4);
  });

  it('is exact at the nodes for f = x^4, whose load three Gauss points integrate exactly', () => {
    // In one dimension the Ritz solution equals u at the nodes (Strang and Fix, 1.6); here u = (x - x^6) / 30.
    for (const elements of [2, 5, 16]) {
      const { h, values } = solvePoisson((x) => x ** 4, elements);
      values.forEach((value, i) => {
        expect(Math.abs(value - (i * h - (i * h) ** 6) / 30)).toBeLessThan(1e-14);
      });
    }
  });

  it('has an energy above that of the solution on every mesh, and the gap falls as h^2 too', () => {
    const gaps = solutions.map((u) => ritzEnergy(u, f) - leastEnergy);
    for (const gap of gaps) expect(gap).toBeGreaterThan(0);
    for (let i = 1; i < gaps.length; i++) expect(gaps[i - 1]! / gaps[i]!).toBeCloseTo(4, i < 3 ? 0 : 1);
  });

  it('has the least energy of all functions on its mesh: any change of the inner values raises it', () => {
    const { h, values } = solvePoisson(f, 10);
    const energy = ritzEnergy({ h, values }, f);
    const change = new Float32Array(9);
    for (let trial = 0; trial < 50; trial++) {
      new RandomStreams(1).fillNormal('sampling', 0, trial, 0, change, 0, 9);
      const changed = values.map((value, i) => value + (i > 0 && i < 10 ? 0.01 * change[i - 1]! : 0));
      expect(ritzEnergy({ h, values: changed }, f)).toBeGreaterThan(energy);
    }
  });

  it('is exact at the nodes for a constant force: u = x (1 - x) / 2', () => {
    const { h, values } = solvePoisson(() => 1, 7);
    values.forEach((value, i) => {
      expect(value).toBeCloseTo((i * h * (1 - i * h)) / 2, 14);
    });
  });

  it('refuses a mesh without an inner node', () => {
    expect(() => solvePoisson(f, 1)).toThrow(RangeError);
  });
});
