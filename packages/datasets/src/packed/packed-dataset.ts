import {
  dataDimOf,
  decodeHeader,
  decodePreamble,
  type PackedHeader,
  preambleBytes,
  type StoredSplit,
} from './header.js';

export type Values = Uint8Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>;
export type Labels = Uint8Array<SharedArrayBuffer> | Uint16Array<SharedArrayBuffer>;

interface SplitViews {
  readonly count: number;
  readonly values: Values;
  readonly labels: Labels | null;
}

/** A packed data set in shared memory. Its views are made once; a thread makes its own from the same buffer. */
export class PackedDataset {
  /** The whole file, as it is on disk: what a peer is sent. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly header: PackedHeader;
  /** Values of one example: the product of its shape. */
  readonly dataDim: number;
  readonly #splits: Record<StoredSplit, SplitViews>;

  /**
   * Checks the magic, version, header, sizes and bounds, and trusts the hash: whoever reads or fetches the bytes
   * verifies it once, then threads are handed `buffer` and `hash`.
   * @throws CorruptPackedFileError
   */
  constructor(
    readonly buffer: SharedArrayBuffer,
    /** SHA-256 of the bytes, hexadecimal. */
    readonly hash: string,
    /** For messages: where it came from. */
    readonly path: string = `data set ${hash}`,
  ) {
    this.bytes = new Uint8Array(buffer);
    const headerBytes = decodePreamble(this.bytes.subarray(0, preambleBytes), buffer.byteLength, path);
    const json = this.bytes.subarray(preambleBytes, preambleBytes + headerBytes);
    const [header, dataStart] = decodeHeader(json, buffer.byteLength, path);
    this.header = header;
    this.dataDim = dataDimOf(header.exampleShape);
    this.#splits = { train: this.#view('train', dataStart), test: this.#view('test', dataStart) };
  }

  count(split: StoredSplit): number {
    return this.#splits[split].count;
  }

  /** The stored values, unscaled. [count, dataDim] */
  values(split: StoredSplit): Values {
    return this.#splits[split].values;
  }

  /** [count], or null in a data set without labels. */
  labels(split: StoredSplit): Labels | null {
    return this.#splits[split].labels;
  }

  #view(split: StoredSplit, dataStart: number): SplitViews {
    const { elementType, labelType, splits } = this.header;
    const { count, valuesOffset, labelsOffset } = splits[split];
    const n = count * this.dataDim;
    const start = dataStart + valuesOffset;
    const values =
      elementType === 'uint8' ? new Uint8Array(this.buffer, start, n) : new Float32Array(this.buffer, start, n);
    if (labelsOffset === null) return { count, values, labels: null };
    const place = [this.buffer, dataStart + labelsOffset, count] as const;
    return { count, values, labels: labelType === 'uint8' ? new Uint8Array(...place) : new Uint16Array(...place) };
  }
}
