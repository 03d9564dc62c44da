import { datasetSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { findBuiltin } from '../builtin/builtins.js';
import { DatasetCache } from '../cache.js';
import { DatasetExistsError } from '../errors.js';
import { packDataset } from '../packed/pack.js';
import type { PackedDataset } from '../packed/packed-dataset.js';
import type { ExampleTable } from '../packed/table.js';
import { readCsvExamples } from './csv.js';
import { readIdxExamples } from './idx.js';
import { readNpyExamples } from './npy.js';
import { readPngFolder } from './png-folder.js';
import { splitByFraction } from './test-fraction.js';

const path = z.string().min(1, 'it must not be empty');
const common = {
  name: datasetSpecSchema.shape.name,
  /** File, or folder for `png`. */
  train: path,
  test: path.optional(),
  /** Without a test path: this part of the train examples becomes the test split. */
  testFraction: z.number().gt(0).lt(1).optional(),
  /** A value is the stored value times this. Default: 1/255 for bytes, 1 for floats. */
  scale: z.number().positive().max(1e6).optional(),
  /** Put the data set in the place of another one of the same name. */
  replace: z.boolean().default(false),
};

export const importOptionsSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('idx'),
      ...common,
      trainLabels: path.optional(),
      testLabels: path.optional(),
    }),
    z.strictObject({ kind: z.literal('npy'), ...common }),
    z.strictObject({
      kind: z.literal('csv'),
      ...common,
      header: z.boolean().default(false),
      labelColumn: z
        .union([z.string().min(1, 'it must not be empty'), z.int().min(1, 'columns are counted from 1')])
        .optional(),
      delimiter: z.string().length(1, 'it must be one character').default(','),
    }),
    z.strictObject({ kind: z.literal('png'), ...common }),
  ])
  .refine((options) => options.test === undefined || options.testFraction === undefined, {
    error: 'give a test path or a test fraction, not both',
  })
  .refine((options) => options.kind !== 'idx' || options.testLabels === undefined || options.test !== undefined, {
    error: 'test labels need a test path',
  });
/** What `importDataset` takes; fields with a default may be left out. */
export type ImportOptions = z.input<typeof importOptionsSchema>;
type ParsedOptions = z.output<typeof importOptionsSchema>;

/**
 * Reads examples from files, packs them, keeps the packed file in the cache and gives it the name.
 * @throws DatasetError; ZodError for options that are not valid.
 */
export async function importDataset(options: ImportOptions, cache = new DatasetCache()): Promise<PackedDataset> {
  const parsed = importOptionsSchema.parse(options);
  const { name } = parsed;
  if (findBuiltin(name) !== null) throw new DatasetExistsError(name, 'a built-in data set has it. Choose another');
  const { train, test } = await readSplits(parsed);
  const scale = parsed.scale ?? (train.values instanceof Uint8Array ? 1 / 255 : 1);
  const dataset = packDataset({ name, scale }, train, test);
  const before = await cache.hashOf(name);
  if (before !== null && before !== dataset.hash && !parsed.replace) {
    throw new DatasetExistsError(
      name,
      `data set ${before} has it. Choose another, or take its place: --replace (or replace: true)`,
    );
  }
  await cache.save(dataset.hash, dataset.bytes);
  await cache.setName(name, dataset.hash);
  // The name is part of the content: no other name stands for the old file.
  if (before !== null && before !== dataset.hash) await cache.remove(before);
  return dataset;
}

async function readSplits(options: ParsedOptions): Promise<{ train: ExampleTable; test: ExampleTable | null }> {
  const train = await readTable(options, 'train', options.train, null);
  if (options.testFraction !== undefined) return splitByFraction(train, options.testFraction);
  if (options.test === undefined) return { train, test: null };
  return { train, test: await readTable(options, 'test', options.test, train) };
}

function readTable(
  options: ParsedOptions,
  split: 'train' | 'test',
  source: string,
  train: ExampleTable | null,
): Promise<ExampleTable> {
  switch (options.kind) {
    case 'idx':
      return readIdxExamples(source, (split === 'train' ? options.trainLabels : options.testLabels) ?? null);
    case 'npy':
      return readNpyExamples(source);
    case 'csv':
      return readCsvExamples(source, { ...options, labelColumn: options.labelColumn ?? null });
    case 'png':
      return readPngFolder(source, train?.labelNames ?? null);
  }
}
