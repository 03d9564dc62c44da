import { inflateSync } from 'node:zlib';
import { decode } from 'fast-png';
import { TooLargeError, UnsupportedContentError } from '../errors.js';
import { maxExampleValues } from '../packed/header.js';
import { TruncatedFileError, WrongMagicError } from './errors.js';
import { readSource } from './source-file.js';

export interface PngImage {
  /** [height, width] for grey, [height, width, 3] for RGB. */
  readonly shape: readonly number[];
  /** Row by row, the channels of a pixel side by side. */
  readonly pixels: Uint8Array;
}

const signature = '89504e470d0a1a0a';
const headerEnd = 33;
const colourTypeAt = 25;
const interlaceAt = 28;
/** By colour type: grey, RGB, indices into a palette, grey with alpha, RGB with alpha. */
const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Of a PNG that is gzip, which it need not be: more than its pixels can take. */
const maxPngBytes = 4 * maxExampleValues;

/**
 * Decodes a PNG of 8-bit grey or RGB.
 * @throws UnreadableSourceError, WrongMagicError, TruncatedFileError, UnsupportedContentError, TooLargeError
 */
export async function readPng(path: string): Promise<PngImage> {
  const bytes = await readSource(path, () => maxPngBytes);
  const found = bytes.toString('hex', 0, 8);
  if (found !== signature) throw new WrongMagicError(path, `the PNG signature ${signature}`, found);
  const chunks = splitChunks(bytes, path);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  if (width === 0 || height === 0)
    throw new UnsupportedContentError(path, `it is ${width} pixels wide and ${height} high.`);
  // Before anything is decompressed: a small file may declare a huge image, or hold more than it declares.
  const values = width * height * (channelsOf[bytes[colourTypeAt]!] ?? 4);
  if (values > maxExampleValues) throw new TooLargeError(path, values, maxExampleValues, 'values');
  const unpackedBytes = unpack(chunks, 2 * values + 8 * height + 64, path);
  const image = decodeOrThrow(Buffer.concat([bytes.subarray(0, 8), ...chunks.map((chunk) => chunk.bytes)]), path);
  // An RGB image may have a palette too: a suggestion to screens of few colours.
  const isIndexed = image.palette !== undefined && image.channels === 1;
  if (isIndexed || image.depth !== 8 || (image.channels !== 1 && image.channels !== 3)) {
    const colours = isIndexed ? 'a palette' : `${image.channels} channels`;
    throw new UnsupportedContentError(
      path,
      `it has ${colours} of ${image.depth} bits. Save it as 8-bit grey or 8-bit RGB, without transparency.`,
    );
  }
  if (image.transparency !== undefined) {
    throw new UnsupportedContentError(path, 'one of its colours is transparent (tRNS). Save it without transparency.');
  }
  const { channels } = image;
  // The decoder takes what a last row lacks for black.
  const neededBytes = filteredBytes(width, height, channels, bytes[interlaceAt] === 1);
  if (unpackedBytes < neededBytes) {
    const found = `its pixels unpack to ${unpackedBytes} bytes where ${neededBytes} are needed`;
    throw new UnsupportedContentError(path, `${found}. Save it again.`);
  }
  const pixels = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  return { shape: channels === 1 ? [height, width] : [height, width, channels], pixels };
}

interface Chunk {
  readonly type: string;
  /** Length, type, data and CRC. */
  readonly bytes: Buffer;
}

/** Those that say what the pixels are; any other may hold whatever it likes, and is not looked at. */
const pixelChunks: ReadonlySet<string> = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);

/** Walks the chunks (length, type, data, CRC) to the end of the last one. */
function splitChunks(bytes: Buffer, path: string): Chunk[] {
  const chunks: Chunk[] = [];
  let position = 8;
  for (;;) {
    if (bytes.length < position + 12)
      throw new TruncatedFileError(path, Math.max(position + 12, headerEnd), bytes.length);
    const end = position + 12 + bytes.readUInt32BE(position);
    const type = bytes.toString('latin1', position + 4, position + 8);
    if (position === 8 && (type !== 'IHDR' || end !== headerEnd)) {
      throw new UnsupportedContentError(path, 'it does not start with an image header (IHDR).');
    }
    if (bytes.length < end) throw new TruncatedFileError(path, end, bytes.length);
    if (pixelChunks.has(type)) chunks.push({ type, bytes: bytes.subarray(position, end) });
    if (type === 'IEND') return chunks;
    position = end;
  }
}

/** How many bytes the pixels inflate to. Refuses more than the image can have, and a damaged stream. */
function unpack(chunks: readonly Chunk[], maxBytes: number, path: string): number {
  const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ bytes }) => bytes.subarray(8, -4));
  try {
    return inflateSync(Buffer.concat(packed), { maxOutputLength: maxBytes }).length;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UnsupportedContentError(path, `its pixels unpack to more than the ${maxBytes} bytes they can have.`);
    }
    throw undecodable(cause, path);
  }
}

/** Where each pass of Adam7 starts, and its steps: x, y, dx, dy (PNG specification, third edition, 8.1). */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const onePass = [[0, 0, 1, 1]] as const;

/** Bytes of all rows of an 8-bit image, each with its filter's byte before it. */
function filteredBytes(width: number, height: number, channels: number, interlaced: boolean): number {
  return (interlaced ? adam7 : onePass).reduce((bytes, [x, y, dx, dy]) => {
    const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    return columns > 0 && rows > 0 ? bytes + rows * (1 + columns * channels) : bytes;
  }, 0);
}

function decodeOrThrow(bytes: Buffer, path: string): ReturnType<typeof decode> {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw undecodable(cause, path);
  }
}

function undecodable(cause: unknown, path: string): UnsupportedContentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UnsupportedContentError(path, `it cannot be decoded: ${reason}. Save it again.`, { cause });
}
