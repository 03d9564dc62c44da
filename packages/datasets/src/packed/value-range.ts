import { ValueOutOfRangeError } from '../errors.js';
import type { StoredSplit } from './header.js';
import type { PackedDataset } from './packed-dataset.js';

/** Smallest and largest of the values; [Infinity, -Infinity] of none. NaN is in no range: importers refuse it. */
export function rangeOf(values: Uint8Array | Float32Array): [number, number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

/** Whether a range lies in [0, 1] as it is read, in float32: 255 times a 1/255 of ten digits is 1 there. */
export function isInUnitInterval([min, max]: readonly [number, number]): boolean {
  return Math.fround(min) >= 0 && Math.fround(max) <= 1;
}

/**
 * Demands values in [0, 1], as the Bernoulli likelihood and every binarising pixel treatment do.
 * @param reason what needs it, for the message: "the bernoulli likelihood".
 * @throws ValueOutOfRangeError naming the first value outside.
 */
export function requireUnitInterval(dataset: PackedDataset, reason: string): void {
  if (isInUnitInterval(dataset.header.valueRange)) return;
  for (const split of ['train', 'test'] as const) throwFirstOutside(dataset, split, reason);
}

function throwFirstOutside(dataset: PackedDataset, split: StoredSplit, reason: string): void {
  const values = dataset.values(split);
  const { name, scale } = dataset.header;
  for (let i = 0; i < values.length; i++) {
    const value = Math.fround(values[i]! * scale);
    if (value >= 0 && value <= 1) continue;
    const example = Math.floor(i / dataset.dataDim);
    throw new ValueOutOfRangeError(name, split, example, i % dataset.dataDim, value, reason);
  }
}
