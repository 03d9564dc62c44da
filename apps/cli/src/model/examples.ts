import { BatchReader } from '@elbo/datasets/batch-reader';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import { type SplitName, splitNameSchema } from '@elbo/protocol/messages';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { evaluationDraw } from '@elbo/vae-core/steps/evaluation-draw';
import { stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import { ModelUseError, UsageError } from '../errors.js';
import { openRunDataset } from '../launch/open-run-dataset.js';
import type { InputChoice } from './input-choice.js';
import { readInput, shapeText } from './input-file.js';
import type { OpenedModel } from './open-model.js';

/** Which examples a model is used on. */
export interface ExampleChoice {
  /** Of the model's data set: the test split when left out, and the train split where there is none. */
  readonly split?: SplitName | undefined;
  /** A file in place of the data set. */
  readonly input?: InputChoice | undefined;
}

/** Examples with the pixel treatment that the model was trained under. */
export interface Examples {
  /** The data set's name, or the input's path. */
  readonly source: string;
  readonly split: SplitName | null;
  readonly count: number;
  readonly exampleShape: readonly number[];
  readonly valueRange: readonly [number, number];
  /** [count], or null without any. */
  readonly labels: Uint8Array | Uint16Array | null;
  /** The step of the key of evaluation noise: that of the run's last evaluation, so that its figures come out again. */
  readonly noiseStep: number;
  /** Writes the examples at `indices` to out [indices.length, dataDim]. */
  read(indices: ArrayLike<number>, out: Float32Array): void;
}

/** The data set of a model's spec. */
export interface ModelData {
  readonly dataset: PackedDataset;
  /** Examples of each split. */
  readonly counts: Readonly<Record<SplitName, number>>;
}

/**
 * @param warnings Gets what the user should know.
 * @throws DatasetError, UsageError, ModelUseError
 */
export async function openExamples(opened: OpenedModel, choice: ExampleChoice, warnings: string[]): Promise<Examples> {
  if (choice.input) return ofInput(opened, choice.input);
  return examplesOf(opened, await openModelData(opened, warnings), choice.split);
}

/** @throws DatasetError, ModelUseError */
export async function openModelData(
  { spec, model, datasetSha256 }: OpenedModel,
  warnings: string[],
): Promise<ModelData> {
  const { name } = spec.dataset;
  const { dataset, facts } = await openRunDataset(spec);
  if (dataset.dataDim !== model.dataDim) {
    throw new ModelUseError(
      'no-fit',
      `an example of the data set ${name} is ${shapeText(dataset.header.exampleShape)}, and the model takes ` +
        `${shapeText([model.dataDim])}: the data set was replaced since; give the examples with --input`,
    );
  }
  if (datasetSha256 !== null && datasetSha256 !== dataset.hash) {
    warnings.push(
      `the data set ${name} is not the one that the model was trained on: its SHA-256 is ${dataset.hash}, not ${datasetSha256}`,
    );
  }
  return { dataset, counts: facts.examples };
}

/** @param wanted The test split when left out, and the train split where there is none. @throws UsageError */
export function examplesOf(opened: OpenedModel, { dataset, counts }: ModelData, wanted?: SplitName): Examples {
  const split = wanted ?? (counts.test > 0 ? 'test' : 'train');
  if (counts[split] === 0) throw noSuchSplit(opened, split, counts);
  const { spec, identity } = opened;
  const perEpoch = stepsPerEpoch(counts.train, spec.training.globalBatchSize);
  const epoch = Math.floor(identity.step / perEpoch);
  const noiseStep = evaluationDraw(epoch, split);
  return readerOf(opened, dataset, split, { source: spec.dataset.name, split, noiseStep });
}

async function ofInput(opened: OpenedModel, input: InputChoice): Promise<Examples> {
  const dataset = await readInput(opened, input);
  return readerOf(opened, dataset, 'train', { source: input.path, split: null, noiseStep: evaluationDraw(0, 'test') });
}

function readerOf(
  { spec }: OpenedModel,
  dataset: PackedDataset,
  split: SplitName,
  facts: Pick<Examples, 'source' | 'split' | 'noiseStep'>,
): Examples {
  // A file has one split, and all of it is meant.
  const treatment = facts.split === null ? { ...spec.dataset, validation: 0, limit: undefined } : spec.dataset;
  const reader = new BatchReader(dataset, treatment, new RandomStreams(spec.seed));
  return {
    ...facts,
    count: reader.count(split),
    exampleShape: dataset.header.exampleShape,
    valueRange: dataset.header.valueRange,
    labels: reader.labels(split),
    read: (indices, out) => reader.read(split, indices, 0, out),
  };
}

function noSuchSplit({ spec }: OpenedModel, split: SplitName, counts: Readonly<Record<SplitName, number>>): UsageError {
  const there = splitNameSchema.options.filter((name) => counts[name] > 0).join(' and ');
  const why = split === 'validation' ? 'the run kept no examples for validation' : 'the data set has none';
  return new UsageError(`--split: there are no ${split} examples of ${spec.dataset.name} (${why}); there is ${there}`);
}
