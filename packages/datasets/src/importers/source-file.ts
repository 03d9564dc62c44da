import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TooLargeError, TruncatedFileError, UnreadableSourceError, UnsupportedContentError } from '../errors.js';

/** Of a file that is read whole. Node reads at most 2 GiB at once. */
const maxSourceBytes = 2 ** 31 - 1;
const gunzipAsync = promisify(gunzip);

/**
 * A whole source file, unzipped when it is gzip.
 * @throws UnreadableSourceError, TooLargeError, TruncatedFileError, UnsupportedContentError
 */
export async function readSource(path: string): Promise<Buffer> {
  const bytes = await readRaw(path);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? unzip(bytes, path) : bytes;
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

async function unzip(bytes: Buffer, path: string): Promise<Buffer> {
  try {
    return await gunzipAsync(bytes, { maxOutputLength: maxSourceBytes });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    // zlib met the end of the file before the end of the stream: one byte more is the least that is missing.
    if (code === 'Z_BUF_ERROR') throw new TruncatedFileError(path, bytes.length + 1, bytes.length);
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TooLargeError(`${path}, unzipped,`, maxSourceBytes + 1, maxSourceBytes, 'bytes');
    }
    throw new UnsupportedContentError(path, 'its gzip stream is damaged. Fetch it again.', { cause });
  }
}
