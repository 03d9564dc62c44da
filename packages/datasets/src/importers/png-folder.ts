import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EmptyDatasetError, TooLargeError, UnreadableSourceError, UnsupportedContentError } from '../errors.js';
import { dataDimOf, maxLabelNames, maxPackedBytes } from '../packed/header.js';
import { type ExampleTable, packLabels } from '../packed/table.js';
import { MixedImageSizesError } from './errors.js';
import { type PngImage, readPng } from './png.js';

interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

/**
 * The *.png files of a folder in the order of their names (by code unit, the same everywhere), all of one size. Where
 * the folder has sub-folders, those hold the images instead: each is a label, counted from 0 in the order of names.
 * @param knownLabels the labels of the train split when this is the test split: they keep their numbers.
 * @throws UnreadableSourceError, EmptyDatasetError, MixedImageSizesError, UnsupportedContentError, and what readPng does
 */
export async function readPngFolder(folder: string, knownLabels: readonly string[] | null): Promise<ExampleTable> {
  const entries = await list(folder);
  const labelNames = namesOf(entries, (entry) => entry.isDirectory());
  const isLabelled = labelNames.length > 0;
  if (labelNames.length > maxLabelNames)
    throw new TooLargeError(folder, labelNames.length, maxLabelNames, 'sub-folders');
  const files = isLabelled
    ? await listLabelled(folder, entries, labelNames, knownLabels ?? labelNames)
    : pngsOf(entries).map((name) => ({ path: join(folder, name), label: 0 }));
  if (files.length === 0) throw new EmptyDatasetError(folder, '.png files');
  const { shape, values } = await readAll(files);
  return {
    source: folder,
    count: files.length,
    exampleShape: shape,
    values,
    labels: isLabelled ? packLabels(files.map((file) => file.label)) : null,
    labelNames: isLabelled ? (knownLabels ?? labelNames) : null,
  };
}

async function listLabelled(
  folder: string,
  entries: readonly Dirent[],
  labelNames: readonly string[],
  knownLabels: readonly string[],
): Promise<LabelledFile[]> {
  const stray = pngsOf(entries)[0];
  if (stray !== undefined) {
    throw new UnsupportedContentError(
      join(folder, stray),
      `it lies beside the sub-folder ${labelNames[0]}. Put all images into sub-folders (one a label), or none.`,
    );
  }
  const files: LabelledFile[] = [];
  for (const name of labelNames) {
    const label = knownLabels.indexOf(name);
    if (label < 0) throw new UnsupportedContentError(join(folder, name), 'the train folder has no such sub-folder.');
    for (const file of pngsOf(await list(join(folder, name)))) files.push({ path: join(folder, name, file), label });
  }
  return files;
}

async function readAll(files: readonly LabelledFile[]): Promise<{ shape: readonly number[]; values: Uint8Array }> {
  const first = await readPng(files[0]!.path);
  const dataDim = dataDimOf(first.shape);
  const total = files.length * dataDim;
  if (total > maxPackedBytes) throw new TooLargeError(files[0]!.path, total, maxPackedBytes, 'bytes with its siblings');
  const values = new Uint8Array(total);
  for (let i = 0; i < files.length; i++) {
    const image = i === 0 ? first : await readPng(files[i]!.path);
    if (!sameShape(image, first)) {
      throw new MixedImageSizesError(files[0]!.path, withChannels(first), files[i]!.path, withChannels(image));
    }
    values.set(image.pixels, i * dataDim);
  }
  return { shape: first.shape, values };
}

function sameShape(a: PngImage, b: PngImage): boolean {
  return a.shape.join() === b.shape.join();
}

function withChannels({ shape }: PngImage): readonly number[] {
  return shape.length === 2 ? [...shape, 1] : shape;
}

async function list(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new UnreadableSourceError(folder, cause.message, { cause });
  });
}

function pngsOf(entries: readonly Dirent[]): string[] {
  return namesOf(entries, (entry) => !entry.isDirectory() && entry.name.toLowerCase().endsWith('.png'));
}

/** Hidden entries are not the data's. */
function namesOf(entries: readonly Dirent[], keep: (entry: Dirent) => boolean): string[] {
  return entries
    .filter((entry) => !entry.name.startsWith('.') && keep(entry))
    .map((entry) => entry.name)
    .sort();
}
