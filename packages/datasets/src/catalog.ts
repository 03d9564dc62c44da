import type { DatasetSpec } from '@elbo/protocol/run-spec';
import { type BuiltinDataset, builtinDatasets, findBuiltin } from './builtin/builtins.js';
import { DatasetCache } from './cache.js';
import { DatasetError, UnknownDatasetError } from './errors.js';
import type { ElementType } from './packed/header.js';
import { openPacked, readPackedHeader } from './packed/open.js';
import type { PackedDataset } from './packed/packed-dataset.js';
import { requireUnitInterval } from './packed/value-range.js';
import type { RandomFactory } from './random-source.js';
import { splitWindows } from './splits.js';

export interface DatasetSummary {
  readonly name: string;
  readonly builtIn: boolean;
  readonly trainExamples: number;
  readonly testExamples: number;
  readonly exampleShape: readonly number[];
  readonly elementType: ElementType;
  readonly labelled: boolean;
  /** Null for a synthetic set, which is known when it is drawn. */
  readonly hash: string | null;
  /** Where it lies packed, and its bytes there; null while it does not. */
  readonly path: string | null;
  readonly bytes: number | null;
}

/** A name of the index whose file is missing or damaged: listed all the same, so that it can be mended. */
export interface BrokenDataset {
  readonly name: string;
  readonly problem: DatasetError;
}

/** Every built-in data set, then every imported one by name. Reads headers alone. */
export async function listDatasets(cache = new DatasetCache()): Promise<(DatasetSummary | BrokenDataset)[]> {
  const imported = (await cache.names()).map((name) =>
    describeDataset(name, cache).catch((problem: unknown) => {
      if (problem instanceof DatasetError) return { name, problem };
      throw problem;
    }),
  );
  return Promise.all([...builtinDatasets.map((builtin) => summarizeBuiltin(builtin, cache)), ...imported]);
}

/** @throws UnknownDatasetError, CorruptPackedFileError, UnreadableSourceError */
export async function describeDataset(name: string, cache = new DatasetCache()): Promise<DatasetSummary> {
  const builtin = findBuiltin(name);
  if (builtin !== null) return summarizeBuiltin(builtin, cache);
  const hash = await resolveDataset(name, cache);
  const path = cache.pathOf(hash);
  const { header, bytes } = await readPackedHeader(path);
  return {
    name,
    builtIn: false,
    trainExamples: header.splits.train.count,
    testExamples: header.splits.test.count,
    exampleShape: header.exampleShape,
    elementType: header.elementType,
    labelled: header.labelType !== null,
    hash,
    path,
    bytes,
  };
}

/** The hash of an imported data set. @throws UnknownDatasetError, CorruptPackedFileError */
export async function resolveDataset(name: string, cache = new DatasetCache()): Promise<string> {
  const hash = await cache.hashOf(name);
  if (hash !== null) return hash;
  const known = [...builtinDatasets.map((builtin) => builtin.name), ...(await cache.names())];
  throw new UnknownDatasetError(name, known);
}

/**
 * The data set of a run, packed into the cache at its first use, opened and verified. Fails here, before a run starts,
 * for what the spec asks and the data cannot give. (The Bernoulli likelihood with raw pixels needs `requireUnitInterval`
 * as well: the likelihood is not the data set's to know.)
 * @param randomOf makes the random source of a seed; synthetic sets draw from a fixed one.
 * @throws DatasetError
 */
export async function ensureDataset(
  spec: DatasetSpec,
  randomOf: RandomFactory,
  cache = new DatasetCache(),
): Promise<PackedDataset> {
  const dataset = await openOrPack(spec.name, randomOf, cache);
  splitWindows(dataset, spec);
  if (spec.pixels !== 'raw') requireUnitInterval(dataset, `the pixel treatment ${spec.pixels}`);
  return dataset;
}

/** The packed data set of a hash when the cache has it: a worker asks here before it asks its conductor. */
export async function findCached(hash: string, cache = new DatasetCache()): Promise<PackedDataset | null> {
  return (await cache.has(hash)) ? openPacked(hash, cache) : null;
}

async function openOrPack(name: string, randomOf: RandomFactory, cache: DatasetCache): Promise<PackedDataset> {
  const builtin = findBuiltin(name);
  if (builtin === null) return openPacked(await resolveDataset(name, cache), cache);
  const cached = builtin.hash === null ? null : await findCached(builtin.hash, cache);
  if (cached !== null) return cached;
  const packed = await builtin.pack(randomOf);
  await cache.save(packed.hash, packed.bytes);
  return packed;
}

async function summarizeBuiltin(builtin: BuiltinDataset, cache: DatasetCache): Promise<DatasetSummary> {
  const { name, trainExamples, testExamples, exampleShape, elementType, labelled, hash } = builtin;
  const bytes = hash === null ? null : await cache.sizeOf(hash);
  const path = hash === null || bytes === null ? null : cache.pathOf(hash);
  return {
    name,
    builtIn: true,
    trainExamples,
    testExamples,
    exampleShape,
    elementType,
    labelled,
    hash,
    path,
    bytes,
  };
}
