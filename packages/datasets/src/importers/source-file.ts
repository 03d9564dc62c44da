import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { TooLargeError, UnreadableSourceError, UnsupportedContentError } from '../errors.js';
import { TruncatedFileError } from './errors.js';

/** Of a file that is read whole. Node reads at most 2 GiB at once. */
const maxSourceBytes = 2 ** 31 - 1;
const gunzipAsync = promisify(gunzip);

/** As much of the beginning as any header needs. */
const headBytes = 131_072;

/**
 * A whole source file, unzipped when it is gzip: to no more than its own header says it holds.
 * @param wholeBytes reads that from the file's beginning
 * @throws UnreadableSourceError, TooLargeError, TruncatedFileError, UnsupportedContentError, and what `wholeBytes` does
 */
export async function readSource(path: string, wholeBytes: (head: Buffer) => number): Promise<Buffer> {
  const bytes = await readRaw(path);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? unzip(bytes, path, wholeBytes) : bytes;
}

async function readRaw(path: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    // A device or a pipe has no size to bound it by.
    if (!found.isFile()) throw new Error('it is not a file');
    const { size } = found;
    if (size > maxSourceBytes) throw new TooLargeError(path, size, maxSourceBytes, 'bytes');
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof TooLargeError) throw cause;
    throw new UnreadableSourceError(path, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function unzip(bytes: Buffer, path: string, wholeBytes: (head: Buffer) => number): Promise<Buffer> {
  const named = (cause: unknown) => unzipError(cause, bytes.length, path);
  const most = wholeBytes(await unzipHead(bytes).catch((cause) => Promise.reject(named(cause))));
  if (most > maxSourceBytes) throw new TooLargeError(`${path}, unzipped,`, most, maxSourceBytes, 'bytes');
  return gunzipAsync(bytes, { maxOutputLength: Math.max(most, 1) }).catch((cause) => Promise.reject(named(cause)));
}

async function unzipHead(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of createGunzip().end(bytes) as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(parts);
}

function unzipError(cause: unknown, bytes: number, path: string): Error {
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  // zlib met the end of the file before the end of the stream: one byte more is the least that is missing.
  if (code === 'Z_BUF_ERROR') return new TruncatedFileError(path, bytes + 1, bytes);
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new UnsupportedContentError(path, 'it unpacks to more bytes than its header declares.', { cause });
  }
  return new UnsupportedContentError(path, 'its gzip stream is damaged. Fetch it again.', { cause });
}
