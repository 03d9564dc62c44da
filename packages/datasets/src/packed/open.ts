import { type FileHandle, open } from 'node:fs/promises';
import { DatasetCache } from '../cache.js';
import { CorruptPackedFileError, UnreadableSourceError } from '../errors.js';
import { decodeHeader, decodePreamble, maxPackedBytes, type PackedHeader, preambleBytes } from './header.js';
import { sha256 } from './pack.js';
import { PackedDataset } from './packed-dataset.js';
import { noteVerified, wasVerified } from './verified.js';

const readChunkBytes = 1 << 26;

/**
 * Reads a packed data set of the cache into shared memory. Its hash is computed and compared once, and again when the
 * file was written meanwhile.
 * @throws UnreadableSourceError, CorruptPackedFileError
 */
export async function openPacked(hash: string, cache = new DatasetCache()): Promise<PackedDataset> {
  const path = cache.pathOf(hash);
  const [buffer, identity] = await withFile(path, async (file) => {
    const before = await file.stat({ bigint: true });
    return [await readShared(file, path), before] as const;
  });
  // The structure first: it says more about a torn file than a hash that differs.
  const dataset = new PackedDataset(buffer, hash, path);
  if (await wasVerified(path, identity)) return dataset;
  const found = sha256(dataset.bytes);
  if (found !== hash) {
    throw new CorruptPackedFileError(path, `the SHA-256 of its content is ${found}, not ${hash}`);
  }
  await noteVerified(path, identity);
  return dataset;
}

/** The header and length of a packed file, without its data. @throws UnreadableSourceError, CorruptPackedFileError */
export async function readPackedHeader(path: string): Promise<{ header: PackedHeader; bytes: number }> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const preamble = new Uint8Array(Math.min(preambleBytes, size));
    await readFully(file, preamble, 0, path);
    const json = new Uint8Array(decodePreamble(preamble, size, path));
    await readFully(file, json, preambleBytes, path);
    return { header: decodeHeader(json, size, path)[0], bytes: size };
  });
}

async function readShared(file: FileHandle, path: string): Promise<SharedArrayBuffer> {
  const { size } = await file.stat();
  if (size > maxPackedBytes) {
    throw new CorruptPackedFileError(path, `it has ${size} bytes, and the limit is ${maxPackedBytes}`);
  }
  const buffer = new SharedArrayBuffer(size);
  await readFully(file, new Uint8Array(buffer), 0, path);
  return buffer;
}

async function readFully(file: FileHandle, into: Uint8Array, position: number, path: string): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const length = Math.min(readChunkBytes, into.length - done);
    const { bytesRead } = await file.read(into, done, length, position + done);
    if (bytesRead === 0) throw new CorruptPackedFileError(path, `it ends after ${position + done} bytes`);
    done += bytesRead;
  }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((cause: Error) => {
    throw new UnreadableSourceError(path, cause.message, { cause });
  });
  try {
    if (!(await file.stat()).isFile()) throw new UnreadableSourceError(path, 'it is not a file');
    return await use(file);
  } finally {
    await file.close();
  }
}
