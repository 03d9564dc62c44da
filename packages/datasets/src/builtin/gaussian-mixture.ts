import { packDataset } from '../packed/pack.js';
import type { PackedDataset } from '../packed/packed-dataset.js';
import type { ExampleTable } from '../packed/table.js';
import type { RandomSource } from '../random-source.js';

export interface GaussianMixtureOptions {
  /** K, at most 256. */
  readonly components: number;
  /** Of the ring that the means lie on. */
  readonly radius: number;
  readonly standardDeviation: number;
  readonly train: number;
  readonly test: number;
}

export const gaussianMixtureDefaults: GaussianMixtureOptions = {
  components: 8,
  radius: 2,
  standardDeviation: 0.2,
  train: 10_000,
  test: 2_000,
};

/** What a draw is for; the step of its key. */
const purpose = { component: 0, noise: 1 } as const;

/**
 * 2-D examples of K equally likely round Gaussians whose means lie evenly on a ring, the first at (radius, 0):
 * p(x) = 1/K sum over k of N(x; m_k, s^2 I). The label is the component.
 */
export function packGaussianMixture(
  random: RandomSource,
  options: GaussianMixtureOptions = gaussianMixtureDefaults,
): PackedDataset {
  const draw = (split: number, count: number) => drawMixture(random, options, split, count);
  return packDataset({ name: 'gaussian-mixture', scale: 1 }, draw(0, options.train), draw(1, options.test));
}

function drawMixture(
  random: RandomSource,
  { components, radius, standardDeviation }: GaussianMixtureOptions,
  split: number,
  count: number,
): ExampleTable {
  const values = new Float32Array(count * 2);
  const labels = new Uint8Array(count);
  const uniform = new Float32Array(1);
  const noise = new Float32Array(2);
  for (let i = 0; i < count; i++) {
    random.fillUniform('sampling', purpose.component, i, split, uniform, 0, 1);
    random.fillNormal('sampling', purpose.noise, i, split, noise, 0, 2);
    const component = Math.floor(uniform[0]! * components);
    const angle = (2 * Math.PI * component) / components;
    values[2 * i] = radius * Math.cos(angle) + standardDeviation * noise[0]!;
    values[2 * i + 1] = radius * Math.sin(angle) + standardDeviation * noise[1]!;
    labels[i] = component;
  }
  return { source: 'gaussian-mixture', count, exampleShape: [2], values, labels, labelNames: null };
}
