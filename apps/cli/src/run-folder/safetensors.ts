import { SafetensorsError } from '../errors.js';
import { findDuplicateKey } from './duplicate-keys.js';

/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header that gives each tensor's type,
 * shape and place, then the tensors without a gap. https://huggingface.co/docs/safetensors
 * Here every tensor is float32.
 */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

export interface SafetensorsContent {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

const metadataKey = '__metadata__';
const maxHeaderBytes = 100_000_000;
const bytesPerElement = 4;

export function writeSafetensors({ tensors, metadata }: SafetensorsContent): Uint8Array {
  const header: [string, unknown][] = [[metadataKey, metadata]];
  const names = new Set<string>([metadataKey]);
  let end = 0;
  for (const { name, shape, data } of tensors) {
    if (names.has(name)) throw new SafetensorsError(`two tensors are named ${name}`);
    names.add(name);
    if (elementCount(name, shape) !== data.length) {
      throw new SafetensorsError(
        `tensor ${name} has ${data.length} elements, not those of shape [${shape.join(', ')}]`,
      );
    }
    header.push([name, { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  // Spaces after the header bring the tensors to a multiple of 8 bytes.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = Buffer.alloc(8 + headerBytes + end, ' ');
  file.writeBigUInt64LE(BigInt(headerBytes), 0);
  json.copy(file, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Reads a file of float32 tensors, in the order of their offsets. Before it touches data it checks that the header
 * is whole, that no key stands twice, and that the tensors fill the rest of the file without a gap or an overlap.
 * @throws SafetensorsError
 */
export function readSafetensors(file: Uint8Array): SafetensorsContent {
  const { header, dataStart } = readHeader(file);
  const dataBytes = file.length - dataStart;
  const entries = Object.entries(header).filter(([name]) => name !== metadataKey);
  const places = entries
    .map(([name, entry]) => readPlace(name, entry, dataBytes))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  let end = 0;
  for (const { name, begin, end: placeEnd } of places) {
    if (begin < end)
      throw new SafetensorsError(`tensor ${name} overlaps the one before it: it begins at ${begin}, not ${end}`);
    if (begin > end) throw new SafetensorsError(`there is a gap of ${begin - end} bytes before tensor ${name}`);
    end = placeEnd;
  }
  if (end !== dataBytes)
    throw new SafetensorsError(`the tensors end at byte ${end} of the data, which has ${dataBytes}`);

  const tensors = places.map(({ name, shape, begin, end: placeEnd }) => {
    // A copy: the data may begin at any byte, and a Float32Array may not. (Of a Buffer, slice would be none.)
    const bytes = new Uint8Array(file.subarray(dataStart + begin, dataStart + placeEnd));
    return { name, shape, data: new Float32Array(bytes.buffer, 0, bytes.length / bytesPerElement) };
  });
  return { tensors, metadata: readMetadata(header) };
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (file.length < 8)
    throw new SafetensorsError(`the file has ${file.length} bytes; the header's length alone takes 8`);
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) throw new SafetensorsError(`a header of ${length} bytes is too long`);
  const dataStart = 8 + Number(length);
  if (dataStart > file.length) {
    throw new SafetensorsError(`the file is cut off: its header ends at byte ${dataStart}, the file at ${file.length}`);
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, dataStart));
    header = JSON.parse(text);
  } catch (error) {
    throw new SafetensorsError(`the header is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!text.startsWith('{') || !isRecord(header)) throw new SafetensorsError('the header is not a JSON object');
  const twice = findDuplicateKey(text);
  if (twice !== null) throw new SafetensorsError(`the header has the key ${JSON.stringify(twice)} twice`);
  return { header, dataStart };
}

interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readPlace(name: string, entry: unknown, dataBytes: number): Place {
  if (!isRecord(entry)) throw new SafetensorsError(`the header's entry ${name} is not an object`);
  if (entry.dtype !== 'F32')
    throw new SafetensorsError(`tensor ${name} is of type ${String(entry.dtype)}; F32 is read here`);
  const { shape, data_offsets: offsets } = entry;
  if (!Array.isArray(shape) || !shape.every(isIndex)) throw new SafetensorsError(`tensor ${name} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    throw new SafetensorsError(`tensor ${name} has no valid data_offsets`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes) {
    throw new SafetensorsError(`tensor ${name} lies at bytes ${begin} to ${end} of ${dataBytes}: out of range`);
  }
  if (elementCount(name, shape) * bytesPerElement !== end - begin) {
    throw new SafetensorsError(`tensor ${name} has ${end - begin} bytes, not those of shape [${shape.join(', ')}]`);
  }
  return { name, shape, begin, end };
}

function readMetadata(header: Record<string, unknown>): Record<string, string> {
  const metadata = header[metadataKey] ?? {};
  if (!isRecord(metadata)) throw new SafetensorsError('__metadata__ is not an object');
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new SafetensorsError(`__metadata__.${key} is not text`);
  }
  return metadata as Record<string, string>;
}

function elementCount(name: string, shape: readonly number[]): number {
  let product = 1;
  for (const size of shape) {
    product *= size;
    if (!Number.isSafeInteger(product * bytesPerElement)) {
      throw new SafetensorsError(`tensor ${name} of shape [${shape.join(', ')}] has more elements than can be counted`);
    }
  }
  return product;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
