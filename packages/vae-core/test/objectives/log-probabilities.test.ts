import { prepareTfjs, useBackend } from '@elbo/vae-core/engines/tfjs-runtime';
import {
  bernoulliLogProb,
  gaussianKlDivergence,
  gaussianLogProb,
  likelihoodMean,
} from '@elbo/vae-core/objectives/elbo';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LogProbabilities, largestError, readGolden } from './golden.js';

const golden = readGolden<LogProbabilities>('log-probabilities.json');

beforeAll(async () => {
  prepareTfjs();
  useBackend('cpu');
  await tf.ready();
});

describe('the Bernoulli log-probability of logits', () => {
  const { logits, x, expected } = golden.bernoulli;

  it('equals PyTorch, at logits of 80 and 300 and for x between 0 and 1 too', () => {
    const logProb = bernoulliLogProb(tf.tensor2d(logits), tf.tensor2d(x));
    expect(logProb.shape).toEqual([x.length]);
    expect(largestError(logProb.dataSync(), expected)).toBeLessThan(1e-6);
  });

  it.each([
    [80, 1],
    [-80, 0],
  ])('is 0, neither -0.7 nor NaN, where a logit of %d is right about x = %d', (logit, x) => {
    expect(bernoulliLogProb(tf.tensor2d([[logit]]), tf.tensor2d([[x]])).dataSync()[0]).toBeCloseTo(0, 12);
  });

  it.each([
    [80, 0],
    [-80, 1],
  ])('is -80, not -Infinity, where a logit of %d is wrong about x = %d, and its gradient is finite', (logit, x) => {
    const { value, grad } = tf.valueAndGrad((l: tf.Tensor) =>
      tf.sum(bernoulliLogProb(l as tf.Tensor2D, tf.tensor2d([[x]]))),
    )(tf.tensor2d([[logit]]));
    expect(value.dataSync()[0]).toBeCloseTo(-80, 4);
    expect(grad.dataSync()[0]).toBeCloseTo(x - (logit > 0 ? 1 : 0), 6);
  });
});

describe('the Gaussian log-probability', () => {
  const { mean, x, fixed, learned } = golden.gaussian;

  it.each(fixed)('equals SciPy with a fixed variance of $variance, the constant kept', ({ variance, expected }) => {
    const logProb = gaussianLogProb(tf.tensor2d(mean), Math.log(variance), tf.tensor2d(x));
    expect(logProb.shape).toEqual([x.length]);
    expect(largestError(logProb.dataSync(), expected)).toBeLessThan(1e-6);
  });

  it('equals SciPy with one variance for each dimension of x', () => {
    const logProb = gaussianLogProb(tf.tensor2d(mean), tf.tensor1d(learned.logVar), tf.tensor2d(x));
    expect(largestError(logProb.dataSync(), learned.expected)).toBeLessThan(2e-6);
  });

  it('is minus half the squared distance and a constant at unit variance, as in (13.27)', () => {
    const logProb = gaussianLogProb(tf.tensor2d([[0, 0]]), 0, tf.tensor2d([[3, 4]])).dataSync()[0];
    expect(logProb).toBeCloseTo(-25 / 2 - Math.log(2 * Math.PI), 5);
  });
});

describe("the likelihood's mean", () => {
  const decoded = [-90, -2, 0, 0.5, 90];

  it('is the sigmoid of the logits for Bernoulli', () => {
    const mean = likelihoodMean({ kind: 'bernoulli' }, tf.tensor2d([decoded])).dataSync();
    const expected = decoded.map((logit) => 1 / (1 + Math.exp(-logit)));
    expect(largestError(mean, expected)).toBeLessThan(1e-6);
  });

  it.each([0.3, 'learned'] as const)("is the decoder's output for a Gaussian of variance %s", (variance) => {
    const mean = likelihoodMean({ kind: 'gaussian', variance }, tf.tensor2d([decoded])).dataSync();
    expect([...mean]).toEqual(decoded);
  });
});

describe('the KL divergence of a diagonal Gaussian from N(0, I)', () => {
  const { posteriorMean, posteriorLogVar, expected } = golden.kl;
  const klOf = (mean: number[][], logVar: number[][]) =>
    gaussianKlDivergence({ posteriorMean: tf.tensor2d(mean), posteriorLogVar: tf.tensor2d(logVar) });

  it('equals PyTorch, for each example and each latent dimension', () => {
    const kl = klOf(posteriorMean, posteriorLogVar);
    expect(kl.shape).toEqual([expected.length, expected[0]!.length]);
    expect(largestError(kl.dataSync(), expected.flat())).toBeLessThan(1e-6);
  });

  it('is 0 where the posterior is the prior', () => {
    expect([...klOf([[0, 0]], [[0, 0]]).dataSync()]).toEqual([0, 0]);
  });

  it('equals the Monte-Carlo mean of ln q(z) - ln p(z) within four of its standard errors', () => {
    const mean = [0.7, -1.5, 0.1, 3];
    const logVar = [0.4, -2, -6, 1.2];
    const kl = klOf([mean], [logVar]).dataSync();
    const count = 100_000;
    const epsilon = new Float32Array(count);
    for (let d = 0; d < mean.length; d++) {
      new RandomStreams(11).fillNormal('sampling', 0, d, 0, epsilon, 0, count);
      let sum = 0;
      let squares = 0;
      for (const e of epsilon) {
        // ln q(z) - ln p(z) at z = mean + sigma e: the constants ln(2 pi) / 2 cancel.
        const z = mean[d]! + Math.exp(logVar[d]! / 2) * e;
        const difference = (z * z - e * e - logVar[d]!) / 2;
        sum += difference;
        squares += difference * difference;
      }
      const estimate = sum / count;
      const standardError = Math.sqrt((squares / count - estimate * estimate) / count);
      expect(standardError).toBeLessThan(0.02);
      expect(Math.abs(kl[d]! - estimate)).toBeLessThan(4 * standardError);
    }
  });
});
