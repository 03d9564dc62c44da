import type { Initializer, ModelSpec } from '@elbo/protocol/run-spec';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel } from '@elbo/vae-core/models/model';
import { parameterView } from '@elbo/vae-core/parameter-layout';
import { describe, expect, it } from 'vitest';
import { kolmogorovSmirnov, mean, normalCdf } from '../random/statistics.js';

const specWith = (initializer: Initializer, changes: Partial<ModelSpec> = {}): ModelSpec => ({
  latentDim: 10,
  encoder: { hidden: [120, 60], activation: 'relu' },
  decoder: { hidden: [80], activation: 'relu' },
  likelihood: { kind: 'bernoulli' },
  initializer,
  ...changes,
});
const dataDim = 200;

function initialParameters(spec: ModelSpec, seed: number): Map<string, Float32Array> {
  const model = createModel(spec, dataDim);
  const flat = initializeParameters(model, seed);
  expect(flat.length).toBe(model.layout.length);
  return new Map(model.layout.entries.map((entry) => [entry.name, parameterView(flat, entry)]));
}

const uniformIn = (bound: number) => (x: number) => (x + bound) / (2 * bound);
const normalOf = (deviation: number) => (x: number) => normalCdf(x / deviation);

describe('the initial weights', () => {
  // encoder.hidden0.weight: fanIn 200, fanOut 120.
  it.each([
    ['uniformFanIn', uniformIn(1 / Math.sqrt(200)), 1 / 200 / 3],
    ['glorotUniform', uniformIn(Math.sqrt(6 / 320)), 2 / 320],
    ['glorotNormal', normalOf(Math.sqrt(2 / 320)), 2 / 320],
    ['heUniform', uniformIn(Math.sqrt(6 / 200)), 2 / 200],
    ['heNormal', normalOf(Math.sqrt(2 / 200)), 2 / 200],
  ] as const)('%s follow its distribution', (initializer, cdf, variance) => {
    const weight = initialParameters(specWith(initializer), 1).get('encoder.hidden0.weight')!;
    expect(kolmogorovSmirnov(weight, cdf)).toBeLessThan(2.2);
    expect(mean(weight.map((w) => w * w)) / variance).toBeCloseTo(1, 1);
  });

  it('use the sizes of their own layer', () => {
    const weight = initialParameters(specWith('uniformFanIn'), 1).get('decoder.likelihoodMean.weight')!;
    expect(kolmogorovSmirnov(weight, uniformIn(1 / Math.sqrt(80)))).toBeLessThan(2.2);
  });
});

describe('the initial biases', () => {
  it("are drawn as PyTorch's Linear draws them under uniformFanIn", () => {
    const bias = initialParameters(specWith('uniformFanIn'), 1).get('encoder.hidden0.bias')!;
    expect(kolmogorovSmirnov(bias, uniformIn(1 / Math.sqrt(200)))).toBeLessThan(2.2);
  });

  it.each(['glorotUniform', 'glorotNormal', 'heUniform', 'heNormal'] as const)('are 0 under %s', (initializer) => {
    for (const [name, values] of initialParameters(specWith(initializer), 1)) {
      if (name.endsWith('.bias')) expect(values.every((value) => value === 0)).toBe(true);
      else expect(values.some((value) => value !== 0)).toBe(true);
    }
  });
});

describe('what the initial parameters depend on', () => {
  it('is the seed', () => {
    const spec = specWith('uniformFanIn');
    expect(initialParameters(spec, 7)).toEqual(initialParameters(spec, 7));
    const other = initialParameters(spec, 8);
    for (const [name, values] of initialParameters(spec, 7)) expect(values).not.toEqual(other.get(name));
  });

  it('is the place of a parameter: two of the same shape differ', () => {
    const parameters = initialParameters(specWith('uniformFanIn'), 1);
    for (const part of ['weight', 'bias']) {
      const mean = parameters.get(`encoder.posteriorMean.${part}`)!;
      const logVar = parameters.get(`encoder.posteriorLogVar.${part}`)!;
      expect(mean.length).toBe(logVar.length);
      expect(mean.some((value, i) => value === logVar[i])).toBe(false);
    }
  });

  it('is not the sizes of the other parameters: a wider decoder leaves the encoder as it is', () => {
    const narrow = initialParameters(specWith('heNormal'), 1);
    const wide = initialParameters(specWith('heNormal', { decoder: { hidden: [300], activation: 'tanh' } }), 1);
    for (const [name, values] of narrow) if (name.startsWith('encoder.')) expect(wide.get(name)).toEqual(values);
    expect(wide.get('decoder.hidden0.weight')!.length).not.toBe(narrow.get('decoder.hidden0.weight')!.length);
  });
});

it('the log-variance of a learned Gaussian likelihood starts at 0, a variance of 1', () => {
  const likelihood = { kind: 'gaussian', variance: 'learned' } as const;
  const logVar = initialParameters(specWith('uniformFanIn', { likelihood }), 1).get('decoder.likelihoodLogVar')!;
  expect(logVar.length).toBe(dataDim);
  expect(logVar.every((value) => value === 0)).toBe(true);
});
