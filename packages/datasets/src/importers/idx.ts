import { EmptyDatasetError, TooLargeError, UnsupportedContentError } from '../errors.js';
import { maxPackedBytes } from '../packed/header.js';
import type { ExampleTable } from '../packed/table.js';
import { LabelCountError, TruncatedFileError, WrongMagicError } from './errors.js';
import { readSource } from './source-file.js';

interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const unsignedByte = 0x08;
const maxDimensions = 5;

/**
 * IDX images with optional labels, each plain or gzip (the format of MNIST: yann.lecun.com/exdb/mnist).
 * @throws UnreadableSourceError, WrongMagicError, TruncatedFileError, UnsupportedContentError, LabelCountError,
 *   EmptyDatasetError, TooLargeError
 */
export async function readIdxExamples(imagesPath: string, labelsPath: string | null): Promise<ExampleTable> {
  const images = await readIdx(imagesPath);
  const count = images.shape[0]!;
  if (images.values.length === 0) throw new EmptyDatasetError(imagesPath, 'examples');
  const exampleShape = images.shape.length === 1 ? [1] : images.shape.slice(1);
  const table = { source: imagesPath, count, exampleShape, values: images.values, labels: null, labelNames: null };
  if (labelsPath === null) return table;
  const labels = await readIdx(labelsPath);
  if (labels.shape.length !== 1) {
    throw new UnsupportedContentError(labelsPath, `labels have one dimension, and this has ${labels.shape.length}.`);
  }
  if (labels.values.length !== count) {
    throw new LabelCountError(imagesPath, count, labelsPath, labels.values.length);
  }
  return { ...table, labels: labels.values };
}

async function readIdx(path: string): Promise<IdxArray> {
  const bytes = await readSource(path, (head) => readHeader(head, path).end);
  const { shape, start, end } = readHeader(bytes, path);
  if (bytes.length < end) throw new TruncatedFileError(path, end, bytes.length);
  if (bytes.length > end) {
    const declared = `${end - start} values it declares`;
    throw new UnsupportedContentError(path, `${bytes.length - end} bytes follow the ${declared}.`);
  }
  return { shape, values: new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start) };
}

/**
 * Big-endian: 0, 0, type, number of dimensions, each dimension as uint32, values.
 * @returns where the values start and end, bytes
 */
function readHeader(bytes: Buffer, path: string): { shape: readonly number[]; start: number; end: number } {
  if (bytes.length < 4) throw new TruncatedFileError(path, 4, bytes.length);
  const [zero1, zero2, type, dimensions] = bytes as unknown as [number, number, number, number];
  if (zero1 !== 0 || zero2 !== 0 || dimensions === 0 || dimensions > maxDimensions) {
    throw new WrongMagicError(path, 'an IDX magic number (00 00, a type, 1 to 5 dimensions)', hex(bytes, 4));
  }
  if (type !== unsignedByte) {
    throw new UnsupportedContentError(
      path,
      `its values are of IDX type 0x${type.toString(16).padStart(2, '0')}; only unsigned bytes (0x08) are read.`,
    );
  }
  const start = 4 + 4 * dimensions;
  if (bytes.length < start) throw new TruncatedFileError(path, start, bytes.length);
  const shape = Array.from({ length: dimensions }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const valueCount = shape.reduce((product, size) => product * size, 1);
  if (valueCount > maxPackedBytes) throw new TooLargeError(path, valueCount, maxPackedBytes, 'values');
  return { shape, start, end: start + valueCount };
}

function hex(bytes: Buffer, length: number): string {
  return [...bytes.subarray(0, length)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
