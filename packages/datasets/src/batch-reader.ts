import type { SplitName } from '@elbo/protocol/messages';
import type { DatasetSpec, PixelTreatment } from '@elbo/protocol/run-spec';
import { BatchRangeError } from './errors.js';
import type { StoredSplit } from './packed/header.js';
import type { Labels, PackedDataset, Values } from './packed/packed-dataset.js';
import { requireUnitInterval } from './packed/value-range.js';
import type { RandomSource } from './random-source.js';
import { type SplitWindows, splitWindows } from './splits.js';

/** Sample index of the draws: by stored split, so that a validation example that becomes a training one keeps its own. */
const drawSample = { train: 0, test: 1 } as const;

/**
 * Reads batches by index, with the pixel treatment of the run. One for each thread: it is cheap to make on a data set
 * that the threads share, and it reuses its own scratch memory.
 *
 * - raw: the stored value times the scale.
 * - threshold: 1 where that is over 1/2, else 0.
 * - static: one Bernoulli draw with the value as its probability, keyed by the example: the same all run long.
 * - dynamic: a draw keyed by (epoch, example) in the train split. Validation and test are always drawn as in epoch 0,
 *   so that their figures can be compared from epoch to epoch.
 */
export class BatchReader {
  readonly dataDim: number;
  readonly windows: SplitWindows;
  readonly #dataset: PackedDataset;
  readonly #pixels: PixelTreatment;
  readonly #random: RandomSource;
  /** The treated value of each byte (a probability where it is drawn later); null for float32 data. */
  readonly #table: Float32Array | null;
  readonly #words: Record<StoredSplit, Uint32Array>;
  readonly #uniforms: Float32Array;

  /**
   * @param random the run's streams; only `static` and `dynamic` draw from them.
   * @throws ValueOutOfRangeError when a treatment but raw meets values outside [0, 1]; InvalidSplitError.
   */
  constructor(
    dataset: PackedDataset,
    spec: Pick<DatasetSpec, 'pixels' | 'validation' | 'limit'>,
    random: RandomSource,
  ) {
    if (spec.pixels !== 'raw') requireUnitInterval(dataset, `the pixel treatment ${spec.pixels}`);
    this.#dataset = dataset;
    this.#pixels = spec.pixels;
    this.#random = random;
    this.dataDim = dataset.dataDim;
    this.windows = splitWindows(dataset, spec);
    const { elementType, scale } = dataset.header;
    this.#table = elementType === 'uint8' ? byteTable(scale, spec.pixels === 'threshold') : null;
    this.#words = { train: wordsOf(dataset.values('train')), test: wordsOf(dataset.values('test')) };
    this.#uniforms = new Float32Array(this.#draws ? this.dataDim : 0);
  }

  /** Examples of a split. */
  count(split: SplitName): number {
    return this.windows[split].count;
  }

  /** Labels of a split, or null without any. A view. [count] */
  labels(split: SplitName): Labels | null {
    const { stored, start, count } = this.windows[split];
    return this.#dataset.labels(stored)?.subarray(start, start + count) ?? null;
  }

  /**
   * Writes the examples at `indices` (counted from 0 within the split), in that order.
   * @param epoch counted from 0; matters to `dynamic` alone.
   * @param out [indices.length, dataDim]; may be longer.
   * @throws BatchRangeError
   */
  read(split: SplitName, indices: ArrayLike<number>, epoch: number, out: Float32Array): void {
    const { stored, start, count } = this.windows[split];
    const { dataDim } = this;
    if (out.length < indices.length * dataDim) {
      throw new BatchRangeError(`${indices.length} examples of ${dataDim} values do not fit in ${out.length}.`);
    }
    const drawEpoch = this.#pixels === 'dynamic' && split === 'train' ? epoch : 0;
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      // Written so that NaN and fractions fail too.
      if (!(index >= 0 && index < count && Number.isInteger(index))) {
        throw new BatchRangeError(`Example ${index} is not in the ${split} split, which has ${count}.`);
      }
      const example = start + index;
      const offset = row * dataDim;
      this.#copy(stored, example, out, offset);
      if (this.#draws) {
        this.#random.fillUniform('binarization', drawEpoch, example, drawSample[stored], this.#uniforms, 0, dataDim);
        drawBernoulli(this.#uniforms, out, offset);
      }
    }
  }

  get #draws(): boolean {
    return this.#pixels === 'static' || this.#pixels === 'dynamic';
  }

  #copy(stored: StoredSplit, example: number, out: Float32Array, offset: number): void {
    const { dataDim } = this;
    const from = example * dataDim;
    const values = this.#dataset.values(stored);
    if (this.#table === null) {
      copyScaled(values, from, this.#dataset.header.scale, out, offset, dataDim);
      if (this.#pixels === 'threshold') threshold(out, offset, dataDim);
    } else if (dataDim % 4 === 0) copyWords(this.#words[stored], from / 4, this.#table, out, offset, dataDim);
    else copyBytes(values, from, this.#table, out, offset, dataDim);
  }
}

function byteTable(scale: number, thresholded: boolean): Float32Array {
  const table = Float32Array.from({ length: 256 }, (_, byte) => byte * scale);
  if (thresholded) threshold(table, 0, table.length);
  return table;
}

/** The bytes four at a time (little-endian, as the format is). */
function wordsOf(values: Values): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, Math.floor(values.byteLength / 4));
}

function copyBytes(
  bytes: Values,
  from: number,
  table: Float32Array,
  out: Float32Array,
  offset: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) out[offset + i] = table[bytes[from + i]!]!;
}

/** As copyBytes, three times faster on images: one load for four bytes, and most of their words are black. */
function copyWords(
  words: Uint32Array,
  from: number,
  table: Float32Array,
  out: Float32Array,
  offset: number,
  n: number,
): void {
  const black = table[0]!;
  for (let i = 0, at = offset; i < n / 4; i++, at += 4) {
    const word = words[from + i]!;
    if (word === 0) {
      out[at] = black;
      out[at + 1] = black;
      out[at + 2] = black;
      out[at + 3] = black;
    } else {
      out[at] = table[word & 255]!;
      out[at + 1] = table[(word >>> 8) & 255]!;
      out[at + 2] = table[(word >>> 16) & 255]!;
      out[at + 3] = table[word >>> 24]!;
    }
  }
}

function copyScaled(values: Values, from: number, scale: number, out: Float32Array, offset: number, n: number): void {
  for (let i = 0; i < n; i++) out[offset + i] = values[from + i]! * scale;
}

function threshold(out: Float32Array, offset: number, n: number): void {
  for (let i = offset; i < offset + n; i++) out[i] = out[i]! > 0.5 ? 1 : 0;
}

/** Replaces probabilities with draws: 1 where u < p, so that p = 0 never and p = 1 always gives 1. */
function drawBernoulli(uniforms: Float32Array, out: Float32Array, offset: number): void {
  for (let i = 0; i < uniforms.length; i++) out[offset + i] = uniforms[i]! < out[offset + i]! ? 1 : 0;
}
