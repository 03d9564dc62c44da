import { InvalidSplitError } from '../errors.js';
import { dataDimOf } from '../packed/header.js';
import type { ExampleTable } from '../packed/table.js';

/**
 * Takes a fraction of the examples as the test split: evenly spread over the source, so that both splits see every
 * part of one that is sorted, and the same ones each time. Example i goes to the test split where floor((i + 1) f)
 * exceeds floor(i f), floor(n f) in all: 29 of 100 for 0.29, though that double times 100 is below 29.
 * @throws InvalidSplitError when either split would be empty.
 */
export function splitByFraction(table: ExampleTable, fraction: number): { train: ExampleTable; test: ExampleTable } {
  const train: number[] = [];
  const test: number[] = [];
  const testAmongFirst = (n: number) => Math.floor(n * fraction * (1 + 2 * Number.EPSILON));
  for (let i = 0; i < table.count; i++) {
    (testAmongFirst(i + 1) > testAmongFirst(i) ? test : train).push(i);
  }
  if (train.length === 0 || test.length === 0) {
    throw new InvalidSplitError(
      `A test fraction of ${fraction} of the ${table.count} examples in ${table.source} leaves one split empty. ` +
        'Choose another, or leave it out.',
    );
  }
  return { train: select(table, train), test: select(table, test) };
}

function select(table: ExampleTable, indices: readonly number[]): ExampleTable {
  const dataDim = dataDimOf(table.exampleShape);
  const values = emptyLike(table.values, indices.length * dataDim);
  const labels = table.labels === null ? null : emptyLike(table.labels, indices.length);
  indices.forEach((from, to) => {
    values.set(table.values.subarray(from * dataDim, (from + 1) * dataDim), to * dataDim);
    if (labels !== null) labels[to] = table.labels![from]!;
  });
  return { ...table, count: indices.length, values, labels };
}

function emptyLike<T extends Uint8Array | Uint16Array | Float32Array>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}
