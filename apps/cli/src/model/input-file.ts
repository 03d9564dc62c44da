import { statSync } from 'node:fs';
import { readCsvExamples } from '@elbo/datasets/importers/csv';
import { readIdxExamples } from '@elbo/datasets/importers/idx';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { readPngFolder } from '@elbo/datasets/importers/png-folder';
import { packDataset } from '@elbo/datasets/packed/pack';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ExampleTable } from '@elbo/datasets/packed/table';
import { isInUnitInterval } from '@elbo/datasets/packed/value-range';
import { ModelUseError, UsageError } from '../errors.js';
import { type ExampleForm, exampleForm } from './example-shape.js';
import type { InputChoice, InputKind } from './input-choice.js';
import type { OpenedModel } from './open-model.js';

/**
 * Reads examples for a model from a file, in memory, as its one split.
 * @throws DatasetError for what cannot be read
 * @throws ModelUseError when they do not fit the model
 */
export async function readInput(opened: OpenedModel, choice: InputChoice): Promise<PackedDataset> {
  const { model, spec } = opened;
  const form = await exampleForm(opened);
  const table = await readTable(choice);
  const size = table.exampleShape.reduce((product, axis) => product * axis, 1);
  if (size !== model.dataDim) {
    throw new ModelUseError(
      'no-fit',
      `${choice.path}: an example in it is ${shapeText(table.exampleShape)}, and the model takes ` +
        `${shapeText(form.exampleShape)} (it was trained on ${spec.dataset.name})`,
    );
  }
  const exampleShape = table.exampleShape.length > 1 ? table.exampleShape : form.exampleShape;
  const scale = choice.scale ?? defaultScale(table, form);
  const dataset = packDataset({ name: 'input', scale }, { ...table, exampleShape }, null);
  requireRange(opened, choice.path, dataset, scale);
  return dataset;
}

function readTable(choice: InputChoice): Promise<ExampleTable> {
  const { path, kind = kindOf(path) } = choice;
  switch (kind) {
    case 'npy':
      return readNpyExamples(path);
    case 'idx':
      return readIdxExamples(path, null);
    case 'png':
      return readPngFolder(path, null);
    case 'csv': {
      const { header = false, labelColumn = null, delimiter = path.endsWith('.tsv') ? '\t' : ',' } = choice;
      return readCsvExamples(path, { header, labelColumn, delimiter });
    }
  }
}

function kindOf(path: string): InputKind {
  if (/\.npy$/i.test(path)) return 'npy';
  if (/\.(csv|tsv)$/i.test(path)) return 'csv';
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UsageError(`there is no file ${path}`);
  if (found.isDirectory()) return 'png';
  if (/\.png$/i.test(path)) throw new UsageError(`--input: ${path} is one picture; give the folder of the PNG files`);
  return 'idx';
}

/** As the model's data set has it, where both are stored alike; else what an import would choose. */
function defaultScale({ values }: ExampleTable, { scale, elementType }: ExampleForm): number {
  const stored = values instanceof Uint8Array ? 'uint8' : 'float32';
  if (scale !== null && elementType === stored) return scale;
  return stored === 'uint8' ? 1 / 255 : 1;
}

function requireRange({ spec }: OpenedModel, path: string, dataset: PackedDataset, scale: number): void {
  const [low, high] = dataset.header.valueRange;
  if (isInUnitInterval([low, high])) return;
  const needs =
    spec.model.likelihood.kind === 'bernoulli'
      ? 'the Bernoulli likelihood'
      : `the pixel treatment ${spec.dataset.pixels}`;
  if (spec.model.likelihood.kind !== 'bernoulli' && spec.dataset.pixels === 'raw') return;
  throw new ModelUseError(
    'no-fit',
    `${path}: its values times ${scale} reach from ${low} to ${high}, and ${needs} of this model wants them in [0, 1]; ` +
      'give --scale, such as 0.00392156862745098 for bytes kept as floats',
  );
}

export function shapeText(shape: readonly number[]): string {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return shape.length > 1 ? `${shape.join(' x ')} (${size} numbers)` : `${size} ${size === 1 ? 'number' : 'numbers'}`;
}
