import { inflateSync } from 'node:zlib';
import { decode } from 'fast-png';
import { TooLargeError, TruncatedFileError, UnsupportedContentError, WrongMagicError } from '../errors.js';
import { maxExampleValues } from '../packed/header.js';
import { readSource } from './source-file.js';

export interface PngImage {
  /** [height, width] for grey, [height, width, 3] for RGB. */
  readonly shape: readonly number[];
  /** Row by row, the channels of a pixel side by side. */
  readonly pixels: Uint8Array;
}

const signature = '89504e470d0a1a0a';
const headerEnd = 33;
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
  const values = width * height * 4;
  if (values > maxExampleValues) throw new TooLargeError(path, values, maxExampleValues, 'values');
  requireModest(chunks, 2 * values + 8 * height + 64, path);
  const image = decodeOrThrow(Buffer.concat([bytes.subarray(0, 8), ...chunks.map((chunk) => chunk.bytes)]), path);
  if (image.palette !== undefined || image.depth !== 8 || (image.channels !== 1 && image.channels !== 3)) {
    const colours = image.palette === undefined ? `${image.channels} channels` : 'a palette';
    throw new UnsupportedContentError(
      path,
      `it has ${colours} of ${image.depth} bits. Save it as 8-bit grey or 8-bit RGB, without transparency.`,
    );
  }
  const { channels } = image;
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

/** Refuses pixels that inflate to more than the image can have. Other damage is the decoder's to name. */
function requireModest(chunks: readonly Chunk[], maxBytes: number, path: string): void {
  const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ bytes }) => bytes.subarray(8, -4));
  try {
    inflateSync(Buffer.concat(packed), { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UnsupportedContentError(path, `its pixels unpack to more than the ${maxBytes} bytes they can have.`);
    }
  }
}

function decodeOrThrow(bytes: Buffer, path: string): ReturnType<typeof decode> {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedContentError(path, `it cannot be decoded: ${reason}. Save it again.`, { cause });
  }
}
