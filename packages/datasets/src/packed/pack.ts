import { createHash } from 'node:crypto';
import { EmptyDatasetError, TooLargeError, UnsupportedContentError } from '../errors.js';
import {
  dataDimOf,
  encodeHeader,
  layoutSplits,
  maxExampleValues,
  maxHeaderBytes,
  maxPackedBytes,
  type StoredSplit,
} from './header.js';
import { PackedDataset } from './packed-dataset.js';
import { type ExampleTable, labelTypeOf } from './table.js';
import { rangeOf } from './value-range.js';

export interface PackOptions {
  readonly name: string;
  /** An example's value is the stored value times this. */
  readonly scale: number;
}

/**
 * Lays the two splits out as one packed data set in shared memory. The same examples give the same bytes and hash.
 * @throws EmptyDatasetError, UnsupportedContentError, TooLargeError
 */
export function packDataset(options: PackOptions, train: ExampleTable, test: ExampleTable | null): PackedDataset {
  if (train.count === 0) throw new EmptyDatasetError(train.source, 'examples');
  if (test !== null) requireSameKind(train, test);
  const dataDim = dataDimOf(train.exampleShape);
  if (dataDim > maxExampleValues) {
    throw new TooLargeError(`One example of ${train.source}`, dataDim, maxExampleValues, 'values');
  }
  const elementType = train.values instanceof Uint8Array ? 'uint8' : 'float32';
  const labelType = train.labels === null ? null : labelTypeOf(widerLabels(train, test));
  const counts = { train: train.count, test: test?.count ?? 0 };
  const { splits, dataBytes } = layoutSplits(counts, dataDim, elementType, labelType);
  const valueRange = scaledRange(options.scale, train, test);
  const head = encodeHeader({
    name: options.name,
    exampleShape: [...train.exampleShape],
    elementType,
    scale: options.scale,
    valueRange,
    labelType,
    labelNames: train.labelNames === null ? null : [...train.labelNames],
    splits,
  });
  if (head.length > maxHeaderBytes) throw new TooLargeError('The header', head.length, maxHeaderBytes, 'bytes');
  const total = head.length + dataBytes;
  if (total > maxPackedBytes) {
    throw new TooLargeError(`Data set ${options.name}`, total, maxPackedBytes, 'bytes');
  }
  const buffer = new SharedArrayBuffer(total);
  new Uint8Array(buffer).set(head);
  // Opened before it is filled: the reader's checks hold for what the writer makes, and its views are the places.
  const unfilled = new PackedDataset(buffer, '');
  fill(unfilled, 'train', train);
  if (test !== null) fill(unfilled, 'test', test);
  return new PackedDataset(buffer, sha256(unfilled.bytes));
}

/** Hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function fill(dataset: PackedDataset, split: StoredSplit, table: ExampleTable): void {
  dataset.values(split).set(table.values);
  if (table.labels !== null) dataset.labels(split)?.set(table.labels);
}

/** Smallest and largest value of both splits, scaled: as float32, which is how they are read, they must be finite. */
function scaledRange(scale: number, train: ExampleTable, test: ExampleTable | null): [number, number] {
  const [trainMin, trainMax] = rangeOf(train.values);
  const [testMin, testMax] = rangeOf(test?.values ?? new Uint8Array(0));
  const range: [number, number] = [Math.min(trainMin, testMin) * scale, Math.max(trainMax, testMax) * scale];
  if (range.every((value) => Number.isFinite(Math.fround(value)))) return range;
  throw new UnsupportedContentError(
    train.source,
    `a value of it, or of its test split, times the scale ${scale} is more than float32 holds. Choose a smaller scale.`,
  );
}

function requireSameKind(train: ExampleTable, test: ExampleTable): void {
  const differ = (reason: string) =>
    new UnsupportedContentError(
      test.source,
      `${reason} in the train split (${train.source}). Both must be of one kind.`,
    );
  const [trainShape, testShape] = [train.exampleShape.join('x'), test.exampleShape.join('x')];
  if (trainShape !== testShape) throw differ(`its examples are ${testShape}, and ${trainShape}`);
  const renamed = test.columnNames?.findIndex((name, column) => name !== (train.columnNames?.[column] ?? name)) ?? -1;
  if (renamed >= 0) {
    throw differ(`it has ${test.columnNames?.[renamed]} in the place of the column ${train.columnNames?.[renamed]}`);
  }
  if (train.values instanceof Uint8Array !== test.values instanceof Uint8Array)
    throw differ('its values are of another type than those');
  if ((train.labels === null) !== (test.labels === null)) {
    throw differ(test.labels === null ? 'it has no labels, and there are some' : 'it has labels, and there are none');
  }
}

function widerLabels(train: ExampleTable, test: ExampleTable | null): Uint8Array | Uint16Array {
  return test?.labels instanceof Uint16Array ? test.labels : train.labels!;
}
