import { packDataset } from '../packed/pack.js';
import type { PackedDataset } from '../packed/packed-dataset.js';
import type { ExampleTable } from '../packed/table.js';
import type { RandomSource } from '../random-source.js';

export interface ProbabilisticPcaOptions {
  /** Dimensions of x. */
  readonly dataDim: number;
  /** Dimensions of z. */
  readonly latentDim: number;
  /** Standard deviation of the noise. */
  readonly noise: number;
  readonly train: number;
  readonly test: number;
}

export const probabilisticPcaDefaults: ProbabilisticPcaOptions = {
  dataDim: 8,
  latentDim: 2,
  noise: 0.5,
  train: 8_000,
  test: 2_000,
};

export interface ProbabilisticPcaParameters {
  /** W. [dataDim, latentDim] */
  readonly weights: Float32Array;
  /** b. [dataDim] */
  readonly bias: Float32Array;
}

/** What a draw is for; the step of its key. */
const purpose = { weights: 2, bias: 3, latent: 4, noise: 5 } as const;

/** W and b of the data set, each entry drawn from N(0, 1). */
export function drawProbabilisticPcaParameters(
  random: RandomSource,
  { dataDim, latentDim }: ProbabilisticPcaOptions = probabilisticPcaDefaults,
): ProbabilisticPcaParameters {
  const weights = new Float32Array(dataDim * latentDim);
  const bias = new Float32Array(dataDim);
  random.fillNormal('sampling', purpose.weights, 0, 0, weights, 0, weights.length);
  random.fillNormal('sampling', purpose.bias, 0, 0, bias, 0, dataDim);
  return { weights, bias };
}

/**
 * Examples x = W z + b + s e with z ~ N(0, I) and e ~ N(0, I), so that x ~ N(b, W W^T + s^2 I)
 * (Tipping and Bishop 1999, Probabilistic Principal Component Analysis, section 3).
 */
export function packProbabilisticPca(
  random: RandomSource,
  options: ProbabilisticPcaOptions = probabilisticPcaDefaults,
): PackedDataset {
  const parameters = drawProbabilisticPcaParameters(random, options);
  const draw = (split: number, count: number) => drawExamples(random, options, parameters, split, count);
  return packDataset({ name: 'probabilistic-pca', scale: 1 }, draw(0, options.train), draw(1, options.test));
}

function drawExamples(
  random: RandomSource,
  { dataDim, latentDim, noise }: ProbabilisticPcaOptions,
  { weights, bias }: ProbabilisticPcaParameters,
  split: number,
  count: number,
): ExampleTable {
  const values = new Float32Array(count * dataDim);
  const z = new Float32Array(latentDim);
  const e = new Float32Array(dataDim);
  for (let i = 0; i < count; i++) {
    random.fillNormal('sampling', purpose.latent, i, split, z, 0, latentDim);
    random.fillNormal('sampling', purpose.noise, i, split, e, 0, dataDim);
    for (let j = 0; j < dataDim; j++) {
      let x = bias[j]! + noise * e[j]!;
      for (let k = 0; k < latentDim; k++) x += weights[j * latentDim + k]! * z[k]!;
      values[i * dataDim + j] = x;
    }
  }
  return { source: 'probabilistic-pca', count, exampleShape: [dataDim], values, labels: null, labelNames: null };
}
