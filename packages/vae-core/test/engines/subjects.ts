import { type Activation, type LikelihoodSpec, modelSpecSchema } from '@elbo/protocol/run-spec';
import { createModel, type Model } from '@elbo/vae-core/models/model';

/** A model and data for one call of an engine. */
export interface Subject {
  readonly title: string;
  readonly model: Model;
  readonly monteCarloSamples: number;
  readonly batchSize: number;
  readonly inputs: {
    readonly parameters: Float32Array;
    readonly x: Float32Array;
    readonly epsilon: Float32Array;
    readonly beta: number;
  };
}

export interface SubjectOptions {
  readonly activation?: Activation;
  readonly likelihood?: LikelihoodSpec;
  readonly hidden?: readonly number[];
  readonly latentDim?: number;
  readonly dataDim?: number;
  readonly monteCarloSamples?: number;
  readonly batchSize?: number;
}

export const activations: readonly Activation[] = ['relu', 'tanh', 'sigmoid', 'elu', 'softplus', 'linear'];
export const likelihoods: readonly LikelihoodSpec[] = [
  { kind: 'bernoulli' },
  { kind: 'gaussian', variance: 1 },
  { kind: 'gaussian', variance: 0.3 },
  { kind: 'gaussian', variance: 'learned' },
];

/** The same numbers for the same options, spread over a range that reaches both sides of every activation. */
export function makeSubject(options: SubjectOptions = {}): Subject {
  const { activation = 'relu', likelihood = { kind: 'bernoulli' }, hidden = [7], latentDim = 3 } = options;
  const { dataDim = 12, monteCarloSamples = 1, batchSize = 4 } = options;
  const layers = { hidden: [...hidden], activation };
  const spec = modelSpecSchema.parse({ latentDim, encoder: layers, decoder: layers, likelihood });
  const model = createModel(spec, dataDim);
  const next = numbers(hidden.length * 100 + dataDim * 10 + batchSize);
  const fill = (length: number, scale: number, shift: number) =>
    Float32Array.from({ length }, () => next() * scale + shift);
  const kind = likelihood.kind === 'bernoulli' ? 'Bernoulli' : `Gaussian ${likelihood.variance}`;
  return {
    title: `${activation} [${hidden}], ${kind}, ${dataDim} dimensions, M ${monteCarloSamples}, batch ${batchSize}`,
    model,
    monteCarloSamples,
    batchSize,
    inputs: {
      parameters: fill(model.layout.length, 1.6, -0.8),
      x: fill(batchSize * dataDim, 1, 0),
      epsilon: fill(monteCarloSamples * batchSize * latentDim, 4, -2),
      beta: 0.7,
    },
  };
}

/** Every activation with every likelihood, at batch sizes and sample counts that share no factor. */
export function subjectMatrix(): Subject[] {
  const matrix = activations.flatMap((activation) =>
    likelihoods.flatMap((likelihood) => [
      makeSubject({ activation, likelihood, batchSize: 1 }),
      makeSubject({ activation, likelihood, batchSize: 5, monteCarloSamples: 3, dataDim: 11 }),
    ]),
  );
  const shapes = likelihoods.flatMap((likelihood) => [
    makeSubject({ likelihood, hidden: [], batchSize: 3 }),
    makeSubject({ likelihood, hidden: [9, 6], batchSize: 17, monteCarloSamples: 2 }),
    makeSubject({ likelihood, latentDim: 1, dataDim: 1, hidden: [1], batchSize: 2 }),
  ]);
  // Large enough for every pass that minds sizes.
  return [...matrix, ...shapes, makeSubject({ hidden: [96], dataDim: 80, batchSize: 65, latentDim: 16 })];
}

function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
