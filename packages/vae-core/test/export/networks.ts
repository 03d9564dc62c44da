import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import type { Model } from '@elbo/vae-core/models/model';
import { expect } from 'vitest';
import { activations, makeSubject, type Subject } from '../engines/subjects.js';

/** Every activation, both likelihoods, no hidden layer and several. */
export const subjects: readonly Subject[] = [
  ...activations.map((activation) => makeSubject({ activation })),
  makeSubject({ hidden: [], likelihood: { kind: 'gaussian', variance: 'learned' } }),
  makeSubject({ hidden: [9, 6], activation: 'tanh', likelihood: { kind: 'gaussian', variance: 1 } }),
  makeSubject({ latentDim: 1, dataDim: 1, hidden: [1] }),
];

/** [batchSize, size], the same each time. */
export function numbers(batchSize: number, size: number): Float32Array {
  return Float32Array.from({ length: batchSize * size }, (_, i) => Math.sin(12.9898 * (i + 1)) * 1.5);
}

export interface NetworkOutputs {
  readonly posteriorMean: Float32Array;
  readonly posteriorLogVar: Float32Array;
  readonly likelihoodMean: Float32Array;
}

/** What the default engine makes of numbers() as x, and as z. */
export async function engineOutputs(model: Model, parameters: Float32Array, batch: number): Promise<NetworkOutputs> {
  const engine = await loadEngine('compiled');
  const encode = await engine.compileEncoder(model, batch);
  const decode = await engine.compileDecoder(model, batch);
  const outputs = {
    ...(await encode(parameters, numbers(batch, model.dataDim))),
    likelihoodMean: await decode(parameters, numbers(batch, model.latentDim)),
  };
  await engine.dispose();
  return outputs;
}

/** Within 1e-5 of the largest magnitude. */
export function expectClose(actual: ArrayLike<number>, expected: Float32Array, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
  const furthest = expected.reduce((max, value, i) => Math.max(max, Math.abs(value - (actual[i] as number))), 0);
  expect(furthest / largest, what).toBeLessThan(1e-5);
}
