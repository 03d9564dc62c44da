import { type FileHandle, open } from 'node:fs/promises';
import { sha256Schema } from '@elbo/protocol/messages';
import { DatasetCache } from '../cache.js';
import { CorruptPackedFileError, UnreadableSourceError } from '../errors.js';
import { decodeHeader, decodePreamble, maxPackedBytes, type PackedHeader, preambleBytes } from './header.js';
import { sha256 } from './pack.js';
import { PackedDataset } from './packed-dataset.js';
import { noteVerified, wasVerified } from './verified.js';

export interface OpenOptions {
  /** Compute the hash of the content and compare; a file of the cache once, until it is written again. Default: true. */
  readonly verify?: boolean;
  readonly cache?: DatasetCache;
}

const readChunkBytes = 1 << 26;

/**
 * Reads a packed data set into shared memory.
 * @param hashOrPath a hash, looked up in the cache, or the path of a packed file.
 * @throws UnreadableSourceError, CorruptPackedFileError
 */
export async function openPacked(hashOrPath: string, options: OpenOptions = {}): Promise<PackedDataset> {
  const isHash = sha256Schema.safeParse(hashOrPath).success;
  const path = isHash ? (options.cache ?? new DatasetCache()).pathOf(hashOrPath) : hashOrPath;
  const named = isHash ? hashOrPath : (/([0-9a-f]{64})\.elbods$/.exec(path)?.[1] ?? null);
  const [buffer, identity] = await withFile(path, async (file) => {
    const before = await file.stat({ bigint: true });
    return [await readShared(file, path), before] as const;
  });
  const verify = (options.verify ?? true) && !(isHash && (await wasVerified(path, identity)));
  const dataset = check(buffer, named, verify, path);
  if (isHash && verify) await noteVerified(path, identity);
  return dataset;
}

/**
 * The same from bytes that came over the network. Bytes that span a SharedArrayBuffer are used in place, others copied.
 * @throws CorruptPackedFileError
 */
export function openPackedBytes(bytes: Uint8Array, hash: string, options: { verify?: boolean } = {}): PackedDataset {
  return check(spanShared(bytes), hash, options.verify ?? true, `data set ${hash}`);
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

function check(buffer: SharedArrayBuffer, named: string | null, verify: boolean, path: string): PackedDataset {
  // The structure first: it says more about a torn file than a hash that differs.
  const trusted = new PackedDataset(buffer, named ?? '', path);
  if (named !== null && !verify) return trusted;
  const hash = sha256(trusted.bytes);
  if (named !== null && hash !== named) {
    throw new CorruptPackedFileError(path, `the SHA-256 of its content is ${hash}, not ${named}`);
  }
  return named === null ? new PackedDataset(buffer, hash, path) : trusted;
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

async function withFile<T>(path: string, use: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((cause: Error) => {
    throw new UnreadableSourceError(path, cause.message, { cause });
  });
  try {
    if (!(await file.stat()).isFile()) throw new UnreadableSourceError(path, 'it is not a file');
    return await use(file, path);
  } finally {
    await file.close();
  }
}

function spanShared(bytes: Uint8Array): SharedArrayBuffer {
  if (bytes.buffer instanceof SharedArrayBuffer && bytes.length === bytes.buffer.byteLength) return bytes.buffer;
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}
