import { gaussianMixtureDefaults, packGaussianMixture } from '@elbo/datasets/builtin/gaussian-mixture';
import {
  drawProbabilisticPcaParameters,
  packProbabilisticPca,
  probabilisticPcaDefaults,
} from '@elbo/datasets/builtin/probabilistic-pca';
import { ensureDataset } from '@elbo/datasets/catalog';
import { datasetSpecSchema } from '@elbo/protocol/run-spec';
import { describe, expect, it } from 'vitest';
import { HashRandom, temporaryCache } from './support.js';

const randomOf = (seed: number) => new HashRandom(seed);

describe('the Gaussian mixture', () => {
  const mixture = packGaussianMixture(randomOf(3));
  const { components, radius, standardDeviation } = gaussianMixtureDefaults;

  it('has each component equally often, its examples round its place on the ring', () => {
    const values = mixture.values('train');
    const labels = mixture.labels('train')!;
    const n = labels.length;
    for (let k = 0; k < components; k++) {
      const mine = [...labels.keys()].filter((i) => labels[i] === k);
      const expected = n / components;
      expect(Math.abs(mine.length - expected)).toBeLessThan(4 * Math.sqrt(expected));
      const centre = [
        radius * Math.cos((2 * Math.PI * k) / components),
        radius * Math.sin((2 * Math.PI * k) / components),
      ];
      for (const axis of [0, 1] as const) {
        const deviations = mine.map((i) => values[2 * i + axis]! - centre[axis]!);
        const mean = deviations.reduce((sum, d) => sum + d, 0) / mine.length;
        const variance = deviations.reduce((sum, d) => sum + d * d, 0) / mine.length;
        expect(Math.abs(mean)).toBeLessThan((4 * standardDeviation) / Math.sqrt(mine.length));
        expect(Math.abs(variance / standardDeviation ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / mine.length));
      }
    }
  });

  it('does not repeat its train examples in its test split', () => {
    expect(mixture.values('test').slice(0, 20)).not.toEqual(mixture.values('train').slice(0, 20));
  });

  it('draws the noise of its test examples anew', () => {
    // An example less its component's place is its noise; the same noise under other labels would be hard to see.
    const noiseOf = (split: 'train' | 'test') =>
      Array.from(mixture.labels(split)!, (k, i) => {
        const centre = radius * Math.cos((2 * Math.PI * k) / components);
        return (mixture.values(split)[2 * i]! - centre).toFixed(4);
      });
    const train = noiseOf('train');
    const repeated = noiseOf('test').filter((noise, i) => noise === train[i]);
    expect(repeated.length).toBeLessThan(10);
  });
});

describe('probabilistic PCA', () => {
  it('has the mean b and the covariance W W^T + s^2 I', () => {
    const options = { ...probabilisticPcaDefaults, dataDim: 4, train: 20_000, test: 1 };
    const { weights, bias } = drawProbabilisticPcaParameters(randomOf(5), options);
    const values = packProbabilisticPca(randomOf(5), options).values('train');
    const n = options.train;
    for (let a = 0; a < 4; a++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += values[i * 4 + a]! / n;
      const expectedVariance = covariance(a, a);
      expect(Math.abs(mean - bias[a]!)).toBeLessThan(4 * Math.sqrt(expectedVariance / n));
      for (let b = 0; b < 4; b++) {
        let moment = 0;
        for (let i = 0; i < n; i++) moment += ((values[i * 4 + a]! - bias[a]!) * (values[i * 4 + b]! - bias[b]!)) / n;
        const error = Math.sqrt((covariance(a, a) * covariance(b, b) + covariance(a, b) ** 2) / n);
        expect(Math.abs(moment - covariance(a, b))).toBeLessThan(4 * error);
      }
    }

    function covariance(a: number, b: number): number {
      const noise = a === b ? options.noise ** 2 : 0;
      return weights[2 * a]! * weights[2 * b]! + weights[2 * a + 1]! * weights[2 * b + 1]! + noise;
    }
  });

  it('has test examples that are uncorrelated with the train examples of the same number', () => {
    const options = { ...probabilisticPcaDefaults, dataDim: 2, train: 2000, test: 2000 };
    const { bias } = drawProbabilisticPcaParameters(randomOf(5), options);
    const dataset = packProbabilisticPca(randomOf(5), options);
    const deviations = (split: 'train' | 'test', k: number) =>
      Array.from({ length: 2000 }, (_, i) => dataset.values(split)[2 * i + k]! - bias[k]!);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    for (const k of [0, 1]) {
      const [train, test] = [deviations('train', k), deviations('test', k)];
      const correlation = dot(train, test) / Math.sqrt(dot(train, train) * dot(test, test));
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(2000));
    }
  });
});

describe('a synthetic data set', () => {
  it('is the same data in every run, and other data for another generator', async () => {
    const cache = await temporaryCache();
    for (const name of ['gaussian-mixture', 'probabilistic-pca']) {
      const spec = datasetSpecSchema.parse({ name });
      const first = await ensureDataset(spec, randomOf, cache);
      expect((await ensureDataset(spec, randomOf, cache)).hash).toBe(first.hash);
      expect(await cache.has(first.hash)).toBe(true);
      const other = await ensureDataset(spec, (seed) => new HashRandom(seed + 1), cache);
      expect(other.hash).not.toBe(first.hash);
    }
  });
});
