import type { ModelSpec } from '@elbo/protocol/run-spec';
import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel } from '@elbo/vae-core/models/model';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GradientCase, largestError, largestErrorOfScale, readGolden } from './golden.js';

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine('cpu');
});
afterAll(() => engine.dispose());

const { cases } = readGolden<{ cases: GradientCase[] }>('gradients.json');

describe('the negative ELBO and its gradient equal PyTorch with the same parameters, x and noise', () => {
  it.each(cases.map((golden) => [golden.case, golden] as const))('%s', async (_, golden) => {
    const model = createModel(golden.spec, golden.dataDim);
    expect(model.layout.entries.map((entry) => entry.name)).toEqual(golden.names);
    const gradientOf = await engine.compileGradient(model, golden.monteCarloSamples, golden.batchSize);
    const gradient = new Float32Array(model.layout.length).fill(Number.NaN);
    const { reconstructionLogProb, klDivergence } = await gradientOf(
      {
        parameters: Float32Array.from(golden.parameters),
        x: Float32Array.from(golden.x),
        epsilon: Float32Array.from(golden.epsilon),
        beta: golden.beta,
      },
      gradient,
    );
    expect(largestError(reconstructionLogProb, golden.reconstructionLogProb)).toBeLessThan(5e-6);
    expect(largestError(klDivergence, golden.klDivergence.flat())).toBeLessThan(5e-6);
    expect(largestErrorOfScale(gradient, golden.gradient)).toBeLessThan(1e-6);
  });
});

describe('the gradient of the negative ELBO', () => {
  const spec = (likelihood: ModelSpec['likelihood'], activation: 'tanh' | 'softplus'): ModelSpec => ({
    latentDim: 3,
    encoder: { hidden: [6], activation },
    decoder: { hidden: [5], activation },
    likelihood,
    initializer: 'glorotNormal',
  });

  it.each([
    ['Bernoulli, M = 1', spec({ kind: 'bernoulli' }, 'tanh'), 1, 1],
    ['Bernoulli, M = 3, beta = 0.5', spec({ kind: 'bernoulli' }, 'softplus'), 3, 0.5],
    ['Gaussian with variance 0.5, M = 3', spec({ kind: 'gaussian', variance: 0.5 }, 'softplus'), 3, 1],
    ['Gaussian with learned variance, M = 1', spec({ kind: 'gaussian', variance: 'learned' }, 'tanh'), 1, 2],
  ])('is the slope of central differences in every direction tried: %s', async (_, modelSpec, samples, beta) => {
    const model = createModel(modelSpec, 8);
    const batchSize = 4;
    const streams = new RandomStreams(5);
    const x = new Float32Array(batchSize * 8);
    const epsilon = new Float32Array(samples * batchSize * 3);
    streams.fillUniform('sampling', 0, 0, 0, x, 0, x.length);
    streams.fillNormal('epsilon', 0, 0, 0, epsilon, 0, epsilon.length);
    const parameters = initializeParameters(model, 5);
    const gradient = new Float32Array(model.layout.length);
    const gradientOf = await engine.compileGradient(model, samples, batchSize);
    const evaluate = await engine.compileEvaluation(model, samples, batchSize);
    await gradientOf({ parameters, x, epsilon, beta }, gradient);

    const lossAt = async (at: Float32Array) => {
      const terms = await evaluate({ parameters: at, x, epsilon });
      const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
      return beta * sum(terms.klDivergence) - sum(terms.reconstructionLogProb);
    };
    for (let trial = 0; trial < 8; trial++) {
      const direction = new Float32Array(parameters.length);
      streams.fillNormal('sampling', 1, trial, 0, direction, 0, direction.length);
      const norm = Math.hypot(...direction);
      // Third derivatives cost step^2, float32 costs 1e-6 / step: both near 1e-4 at this step.
      const step = 2e-2;
      const shifted = (sign: number) => parameters.map((p, i) => p + (sign * step * direction[i]!) / norm);
      const slope = ((await lossAt(shifted(1))) - (await lossAt(shifted(-1)))) / (2 * step);
      const expected = gradient.reduce((sum, g, i) => sum + (g * direction[i]!) / norm, 0);
      expect(Math.abs(slope - expected)).toBeLessThan(2e-3 * Math.hypot(...gradient));
    }
  });

  it('is the sum over the examples of a batch', async () => {
    const model = createModel(spec({ kind: 'bernoulli' }, 'tanh'), 8);
    const parameters = initializeParameters(model, 1);
    const streams = new RandomStreams(1);
    const x = new Float32Array(3 * 8);
    const epsilon = new Float32Array(3 * 3);
    streams.fillUniform('sampling', 0, 0, 0, x, 0, x.length);
    streams.fillNormal('epsilon', 0, 0, 0, epsilon, 0, epsilon.length);
    const whole = new Float32Array(model.layout.length);
    await (await engine.compileGradient(model, 1, 3))({ parameters, x, epsilon, beta: 1 }, whole);
    const sum = new Float32Array(model.layout.length);
    const part = new Float32Array(model.layout.length);
    const gradientOfOne = await engine.compileGradient(model, 1, 1);
    for (let n = 0; n < 3; n++) {
      const one = { x: x.subarray(8 * n, 8 * n + 8), epsilon: epsilon.subarray(3 * n, 3 * n + 3) };
      await gradientOfOne({ parameters, ...one, beta: 1 }, part);
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + part[i]!;
    }
    expect(largestErrorOfScale(whole, sum)).toBeLessThan(1e-6);
  });
});
