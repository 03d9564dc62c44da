import { fitProbabilisticPca } from '@elbo/vae-core/latent/fit-probabilistic-pca';
import { ProbabilisticPca } from '@elbo/vae-core/latent/probabilistic-pca';
import { describe, expect, it } from 'vitest';
import { largestError, readGolden } from '../objectives/golden.js';
import { mean } from '../random/statistics.js';
import { normals, sampleLinearGaussian } from './synthetic.js';

interface GoldenCase {
  case: string;
  latentDim: number;
  dataDim: number;
  variance: number;
  weight: number[];
  bias: number[];
  x: number[];
  logProb: number[];
  posteriorMean: number[];
  posteriorCovariance: number[];
}
const { cases } = readGolden<{ cases: GoldenCase[] }>('probabilistic-pca.json');
const examplesOf = (x: ArrayLike<number>, dataDim: number) =>
  Array.from({ length: x.length / dataDim }, (_, n) => Array.from(x).slice(n * dataDim, (n + 1) * dataDim));

describe('the marginal and the posterior of probabilistic PCA equal those of the joint Gaussian (SciPy)', () => {
  it.each(cases.map((golden) => [golden.case, golden] as const))('%s', (_, golden) => {
    const pca = new ProbabilisticPca(golden);
    const examples = examplesOf(golden.x, golden.dataDim);
    expect(
      largestError(
        examples.map((x) => pca.logProb(x)),
        golden.logProb,
      ),
    ).toBeLessThan(1e-9);
    const posteriorMeans = examples.flatMap((x) => [...pca.posteriorMean(x)]);
    expect(largestError(posteriorMeans, golden.posteriorMean)).toBeLessThan(1e-9);
    expect(largestError(pca.posteriorCovariance(), golden.posteriorCovariance)).toBeLessThan(1e-9);
  });
});

describe('ln p(x) of probabilistic PCA', () => {
  it('refuses a model without noise, whose ln p(x) would be NaN, and one whose arrays do not fit', () => {
    const model = { latentDim: 1, dataDim: 2, weight: [1, 2], bias: [0, 0], variance: 1 };
    for (const variance of [0, -1, Number.NaN]) {
      expect(() => new ProbabilisticPca({ ...model, variance })).toThrow(/variance of the noise must be above 0/);
    }
    expect(() => new ProbabilisticPca({ ...model, weight: [1] })).toThrow(/a weight of 1 numbers and a bias of 2/);
  });

  it('keeps its digits where the variance of the noise is small beside that of W z', () => {
    for (const variance of [1, 1e-4, 1e-8, 1e-12]) {
      const pca = new ProbabilisticPca({ latentDim: 1, dataDim: 2, weight: [3, 4], bias: [0, 0], variance });
      // In the directions of W and across it: two independent Gaussians of variance 25 + sigma^2 and sigma^2.
      const logNormal = (squared: number, v: number) => -0.5 * (Math.log(2 * Math.PI * v) + squared / v);
      const expected = logNormal(50 ** 2, 25 + variance) + logNormal(0, variance);
      expect(Math.abs(pca.logProb([30, 40]) - expected)).toBeLessThan(1e-9);
    }
  });
});

describe('KL(q || p(z|x))', () => {
  it('is 0 where q is the posterior, and grows with any step away from it', () => {
    const golden = cases.find(({ latentDim }) => latentDim === 1)!;
    const pca = new ProbabilisticPca(golden);
    const x = golden.x.slice(0, golden.dataDim);
    const posteriorMean = pca.posteriorMean(x);
    const logVar = Float64Array.of(Math.log(pca.posteriorCovariance()[0]!));
    expect(pca.klFromDiagonal(posteriorMean, logVar, x)).toBeCloseTo(0, 9);
    for (const [shift, widen] of [
      [0.1, 0],
      [-0.1, 0],
      [0, 0.1],
      [0, -0.1],
    ] as const) {
      const moved = pca.klFromDiagonal(
        posteriorMean.map((m) => m + shift),
        logVar.map((l) => l + widen),
        x,
      );
      expect(moved).toBeGreaterThan(1e-4);
    }
  });
});

describe('the maximum-likelihood fit of probabilistic PCA', () => {
  const dataDim = 6;
  const truth = {
    latentDim: 2,
    dataDim,
    weight: normals(4, 0, 2 * dataDim).map((w) => 1.5 * w),
    bias: normals(4, 1, dataDim),
    variance: 0.4,
  };
  const data = sampleLinearGaussian(truth, 4, 4000);
  const examples = examplesOf(data, dataDim);
  const fit = fitProbabilisticPca(data, dataDim, 2);
  const meanLogProb = (pca: ProbabilisticPca) => mean(examples.map((x) => pca.logProb(x)));

  it('attains the mean log-likelihood that it states', () => {
    expect(meanLogProb(new ProbabilisticPca(fit.model))).toBeCloseTo(fit.meanLogProb, 8);
  });

  it('is no worse than the model that made the data, and finds its variance', () => {
    expect(fit.meanLogProb).toBeGreaterThan(meanLogProb(new ProbabilisticPca(truth)));
    expect(Math.abs(fit.model.variance / truth.variance - 1)).toBeLessThan(0.05);
  });

  it('is a maximum: every small change of W, b or the variance lowers the likelihood', () => {
    const { weight, bias, variance } = fit.model;
    for (let trial = 0; trial < 10; trial++) {
      const step = normals(9, trial, weight.length + dataDim + 1).map((value) => 0.02 * value);
      const changed = new ProbabilisticPca({
        ...fit.model,
        weight: Array.from(weight, (w, i) => w + step[i]!),
        bias: Array.from(bias, (b, k) => b + step[weight.length + k]!),
        variance: variance * Math.exp(step.at(-1)!),
      });
      expect(meanLogProb(changed)).toBeLessThan(fit.meanLogProb);
    }
  });

  it('has orthogonal columns, so that the posterior is a diagonal Gaussian', () => {
    const covariance = new ProbabilisticPca(fit.model).posteriorCovariance();
    expect(Math.abs(covariance[1]!)).toBeLessThan(1e-12);
    expect(covariance[0]).toBeGreaterThan(0);
  });

  it('has W = 0 where no direction has more variance than another, in every dimension', () => {
    for (let dim = 2; dim <= 12; dim++) {
      // Each unit vector and its opposite: the covariance is I / dim.
      const unitVectors = Array.from({ length: 2 * dim * dim }, (_, at) => {
        const n = Math.floor(at / dim);
        return at % dim === n >> 1 ? 1 - 2 * (n & 1) : 0;
      });
      for (let latentDim = 1; latentDim < dim; latentDim++) {
        const { model } = fitProbabilisticPca(unitVectors, dim, latentDim);
        expect(model.variance).toBeCloseTo(1 / dim, 12);
        for (const w of Array.from(model.weight)) expect(Math.abs(w)).toBeLessThan(1e-7);
      }
    }
  });

  it('refuses data that are not whole examples, and more latent dimensions than leave room for noise', () => {
    expect(() => fitProbabilisticPca(data.subarray(1), dataDim, 2)).toThrow(/whole number of examples/);
    for (const latentDim of [0, 1.5, dataDim]) {
      expect(() => fitProbabilisticPca(data, dataDim, latentDim)).toThrow(/latentDim is a whole number/);
    }
    expect(() => fitProbabilisticPca([1, Number.NaN, 2, 3], 2, 1)).toThrow(/NaN or infinite/);
    expect(() => fitProbabilisticPca(new Float32Array(60), dataDim, 2)).toThrow(/no variance for the noise/);
  });

  it('refuses data on a line, whose eigenvalues beyond the first are nothing but rounding', () => {
    for (let trial = 0; trial < 10; trial++) {
      const direction = normals(7, trial, 4);
      const along = normals(8, trial, 50);
      const line = Float64Array.from({ length: 200 }, (_, at) => 1 + along[at >> 2]! * direction[at % 4]!);
      expect(() => fitProbabilisticPca(line, 4, 1)).toThrow(/no variance for the noise/);
    }
  });
});
