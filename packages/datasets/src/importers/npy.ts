import { EmptyDatasetError, TooLargeError, UnsupportedContentError } from '../errors.js';
import { maxPackedBytes } from '../packed/header.js';
import type { ExampleTable } from '../packed/table.js';
import { NonFiniteValueError, TruncatedFileError } from './errors.js';
import { type NpyHeader, readNpyHeader } from './npy-header.js';
import { readSource } from './source-file.js';

const itemBytes: ReadonlyMap<string, number> = new Map([
  ['|u1', 1],
  ['<f4', 4],
  ['<f8', 8],
]);

/**
 * An NPY array of shape [examples, ...exampleShape], of u1, f4 or f8 (rounded to float32), little-endian, C order.
 * @throws UnreadableSourceError, WrongMagicError, TruncatedFileError, UnsupportedContentError, NonFiniteValueError,
 *   EmptyDatasetError, TooLargeError
 */
export async function readNpyExamples(path: string): Promise<ExampleTable> {
  const bytes = await readSource(path, (head) => measure(readNpyHeader(head, path), path).end);
  const header = readNpyHeader(bytes, path);
  const { valueCount, end } = measure(header, path);
  if (bytes.length < end) throw new TruncatedFileError(path, end, bytes.length);
  if (bytes.length > end) {
    throw new UnsupportedContentError(path, `${bytes.length - end} bytes follow the ${valueCount} values it declares.`);
  }
  const values = readValues(header.descr, bytes.subarray(header.dataStart));
  const count = header.shape[0]!;
  if (values instanceof Float32Array) requireFinite(values, valueCount / count, path);
  const exampleShape = header.shape.length === 1 ? [1] : header.shape.slice(1);
  return { source: path, count, exampleShape, values, labels: null, labelNames: null };
}

/** How many values there are, and where they end, bytes. */
function measure(header: NpyHeader, path: string): { valueCount: number; end: number } {
  const size = requireReadable(header, path);
  const valueCount = header.shape.reduce((product, axis) => product * axis, 1);
  if (valueCount === 0) throw new EmptyDatasetError(path, 'examples');
  if (valueCount > maxPackedBytes) throw new TooLargeError(path, valueCount, maxPackedBytes, 'values');
  return { valueCount, end: header.dataStart + valueCount * size };
}

/** Bytes of one value. */
function requireReadable({ descr, fortranOrder, shape }: NpyHeader, path: string): number {
  const size = itemBytes.get(descr);
  if (size === undefined) {
    throw new UnsupportedContentError(
      path,
      `its type is ${descr}; |u1, <f4 and <f8 are read. Save it as array.astype('<f4').`,
    );
  }
  if (fortranOrder) {
    throw new UnsupportedContentError(path, 'it is in Fortran order. Save it as numpy.ascontiguousarray(array).');
  }
  if (shape.length < 1 || shape.length > 5) {
    throw new UnsupportedContentError(path, `it has ${shape.length} dimensions; 1 to 5 are read, the examples first.`);
  }
  return size;
}

/** A copy, because the values of a file need not lie on a multiple of their size. */
function readValues(descr: string, data: Buffer): Uint8Array | Float32Array {
  if (descr === '|u1') return Uint8Array.from(data);
  const aligned = new Uint8Array(data).buffer;
  return descr === '<f4' ? new Float32Array(aligned) : Float32Array.from(new Float64Array(aligned));
}

function requireFinite(values: Float32Array, dataDim: number, path: string): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const [row, column] = [Math.floor(i / dataDim), i % dataDim];
    const place = `row ${row}, column ${column} (both counted from 0)`;
    throw new NonFiniteValueError(path, row, column, String(values[i]), place);
  }
}
