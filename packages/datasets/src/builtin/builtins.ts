import { ChangedSourceError } from '../errors.js';
import type { ElementType } from '../packed/header.js';
import type { PackedDataset } from '../packed/packed-dataset.js';
import type { RandomFactory } from '../random-source.js';
import { gaussianMixtureDefaults, packGaussianMixture } from './gaussian-mixture.js';
import { packMnist } from './mnist.js';
import { packProbabilisticPca, probabilisticPcaDefaults } from './probabilistic-pca.js';

export interface BuiltinDataset {
  readonly name: string;
  readonly trainExamples: number;
  readonly testExamples: number;
  readonly exampleShape: readonly number[];
  readonly elementType: ElementType;
  readonly labelled: boolean;
  /** Null where it is drawn, and known only then. */
  readonly hash: string | null;
  pack(randomOf: RandomFactory): Promise<PackedDataset>;
}

const mnistHash = '64669f577c96b1bc3aa00b5a6b06cba61e13b8dbdf0ea1ffede41d06cce1ae5d';

/** Synthetic sets are drawn from a seed of their own: the same name is the same data in every run. */
const syntheticSeed = 0;

export const builtinDatasets: readonly BuiltinDataset[] = [
  {
    name: 'mnist',
    trainExamples: 60_000,
    testExamples: 10_000,
    exampleShape: [28, 28],
    elementType: 'uint8',
    labelled: true,
    hash: mnistHash,
    async pack() {
      const dataset = await packMnist();
      if (dataset.hash !== mnistHash) throw new ChangedSourceError('mnist', mnistHash, dataset.hash);
      return dataset;
    },
  },
  {
    name: 'gaussian-mixture',
    trainExamples: gaussianMixtureDefaults.train,
    testExamples: gaussianMixtureDefaults.test,
    exampleShape: [2],
    elementType: 'float32',
    labelled: true,
    hash: null,
    pack: async (randomOf) => packGaussianMixture(randomOf(syntheticSeed)),
  },
  {
    name: 'probabilistic-pca',
    trainExamples: probabilisticPcaDefaults.train,
    testExamples: probabilisticPcaDefaults.test,
    exampleShape: [probabilisticPcaDefaults.dataDim],
    elementType: 'float32',
    labelled: false,
    hash: null,
    pack: async (randomOf) => packProbabilisticPca(randomOf(syntheticSeed)),
  },
];

export function findBuiltin(name: string): BuiltinDataset | null {
  return builtinDatasets.find((builtin) => builtin.name === name) ?? null;
}
