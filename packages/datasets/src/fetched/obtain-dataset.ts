import { createHash, type Hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DatasetCache } from '../cache.js';
import { CorruptPackedFileError, DatasetError, FetchedDatasetError } from '../errors.js';
import { maxPackedBytes } from '../packed/header.js';
import { openPacked } from '../packed/open.js';
import { PackedDataset } from '../packed/packed-dataset.js';
import { PartialFile } from './partial-file.js';

/**
 * Where a data set comes from: gives its bytes from one on, to the end. Rejects, at once or while they come, with an
 * error whose `temporary` says whether asking again may help.
 */
export type DatasetSource = (
  from: number,
) => Promise<{ readonly totalBytes: number; readonly chunks: AsyncIterable<Uint8Array> }>;

export interface ObtainOptions {
  readonly cache?: DatasetCache;
  /** Nobody needs the data set any more. */
  readonly signal: AbortSignal;
  /** Told of what is worked around: a damaged file, a disk that cannot be written. */
  readonly onWarning?: (message: string) => void;
  /** Waits between tries, milliseconds. */
  readonly restsMs?: readonly number[];
}

/** Tries in a row that bring nothing, and the rest before each of them. */
const usualRestsMs = [200, 500, 1000, 2000, 4000];
const pollMs = 100;

/**
 * The packed data set with this hash: from the cache, else from the source. What comes is written to a partial file on
 * its way, so that a fetch that was cut, or whose process died, goes on where it stopped; it is verified as a whole
 * before it is used or kept. Of the processes that share a cache one fetches, and the others wait for it. A cache that
 * cannot be written costs the next fetch, not this one.
 * @throws FetchedDatasetError when the source cannot give it; what `signal` was aborted with
 */
export async function obtainDataset(
  hash: string,
  source: DatasetSource,
  options: ObtainOptions,
): Promise<PackedDataset> {
  const { cache = new DatasetCache(), signal, onWarning = () => {} } = options;
  for (;;) {
    signal.throwIfAborted();
    const cached = await openKept(hash, cache, onWarning);
    const partial = cached ? null : await claim(hash, cache, onWarning);
    const dataset =
      cached ?? (partial === 'taken' ? null : await fetchWhole(hash, source, partial, { ...options, cache }));
    if (dataset !== null) {
      await cache.keepWhileUsed(hash, signal);
      return dataset;
    }
    await rest(pollMs, signal);
  }
}

async function openKept(
  hash: string,
  cache: DatasetCache,
  onWarning: (message: string) => void,
): Promise<PackedDataset | null> {
  if (!(await cache.has(hash))) return null;
  try {
    return await openPacked(hash, cache);
  } catch (error) {
    if (!(error instanceof CorruptPackedFileError)) throw error;
    onWarning(`${error.message} It is thrown away and fetched again.`);
    await cache.remove(hash);
    return null;
  }
}

/** Null where nothing can be written. */
async function claim(
  hash: string,
  cache: DatasetCache,
  onWarning: (message: string) => void,
): Promise<PartialFile | 'taken' | null> {
  try {
    return await PartialFile.claim(cache, hash);
  } catch (error) {
    onWarning(`the data set will not be kept on disk: ${messageOf(error)}`);
    return null;
  }
}

async function fetchWhole(
  hash: string,
  source: DatasetSource,
  partial: PartialFile | null,
  options: ObtainOptions & { readonly cache: DatasetCache },
): Promise<PackedDataset> {
  const fetched = new Fetch(hash, source, partial, options);
  try {
    const found = partial?.size ?? 0;
    if (!(await fetched.run()) && found > 0) {
      // The source is right, then what was found on disk was not: once more, from the first byte.
      options.onWarning?.(`the ${found} bytes of ${hash.slice(0, 12)} found on disk were damaged; fetching it whole`);
      await fetched.startOver();
      await fetched.run();
    }
    return await fetched.finish();
  } catch (error) {
    await fetched.release();
    throw error;
  }
}

/** One fetch: into shared memory, hashed as it comes, and to disk beside it. */
class Fetch {
  #bytes: Uint8Array<SharedArrayBuffer> | null = null;
  #filled = 0;
  #digest: Hash = createHash('sha256');

  constructor(
    private readonly hash: string,
    private readonly source: DatasetSource,
    private partial: PartialFile | null,
    private readonly options: ObtainOptions & { readonly cache: DatasetCache },
  ) {}

  /** Resolves when all bytes are here: whether they have the hash. */
  async run(): Promise<boolean> {
    const rests = this.options.restsMs ?? usualRestsMs;
    for (let failures = 0; ; ) {
      const before = this.#filled;
      try {
        await this.#receive();
        return this.#digest.copy().digest('hex') === this.hash;
      } catch (error) {
        this.options.signal.throwIfAborted();
        if (error instanceof DatasetError) throw error;
        if (this.#filled > before) failures = 0;
        const restMs = rests[failures++];
        if (!isTemporary(error) || restMs === undefined) {
          throw new FetchedDatasetError(this.hash, messageOf(error), error);
        }
        await rest(restMs, this.options.signal);
      }
    }
  }

  async startOver(): Promise<void> {
    await this.partial?.discard();
    this.partial = null;
    this.#bytes = null;
    this.#filled = 0;
    this.#digest = createHash('sha256');
    const partial = await claim(this.hash, this.options.cache, this.options.onWarning ?? (() => {}));
    this.partial = partial === 'taken' ? null : partial;
  }

  async finish(): Promise<PackedDataset> {
    if (this.#bytes === null || this.#digest.digest('hex') !== this.hash) {
      await this.partial?.discard();
      this.partial = null;
      throw new FetchedDatasetError(this.hash, 'its bytes do not have that SHA-256');
    }
    const dataset = new PackedDataset(this.#bytes.buffer, this.hash);
    await this.#onDisk((partial) => partial.publish(dataset.bytes.length));
    return dataset;
  }

  /** What came so far stays on disk for the next one. */
  async release(): Promise<void> {
    await this.partial?.release();
  }

  async #receive(): Promise<void> {
    const from = this.#filled || (this.partial?.size ?? 0);
    const { totalBytes, chunks } = await this.source(from);
    if (!Number.isSafeInteger(totalBytes) || totalBytes < 0 || totalBytes > maxPackedBytes) {
      throw new FetchedDatasetError(
        this.hash,
        `it is said to have ${totalBytes} bytes; ${maxPackedBytes} is the limit`,
      );
    }
    if (this.#bytes === null) await this.#begin(totalBytes);
    const bytes = this.#bytes!;
    if (bytes.length !== totalBytes) {
      throw new FetchedDatasetError(this.hash, `its length changed from ${bytes.length} to ${totalBytes} bytes`);
    }
    // The file could not be read to where the source was asked from.
    if (this.#filled < Math.min(from, totalBytes)) throw temporary('the disk failed');
    for await (const chunk of chunks) {
      this.options.signal.throwIfAborted();
      if (this.#filled + chunk.length > totalBytes)
        throw new FetchedDatasetError(this.hash, 'it is longer than announced');
      bytes.set(chunk, this.#filled);
      this.#digest.update(chunk);
      this.#filled += chunk.length;
      await this.#onDisk((partial) => partial.append(chunk));
    }
    if (this.#filled < totalBytes) {
      throw temporary(`it ended after ${this.#filled} of ${totalBytes} bytes`);
    }
  }

  /** The length is known: takes the memory, makes room on disk, and takes over what an earlier fetch left there. */
  async #begin(totalBytes: number): Promise<void> {
    const bytes = new Uint8Array(new SharedArrayBuffer(totalBytes));
    this.#bytes = bytes;
    await this.#onDisk(async (partial) => {
      await this.options.cache.makeRoom(totalBytes - partial.size, this.hash);
      for await (const part of partial.parts(totalBytes)) {
        bytes.set(part, this.#filled);
        this.#digest.update(part);
        this.#filled += part.length;
      }
    });
  }

  /** A disk that fails is done without. */
  async #onDisk(use: (partial: PartialFile) => Promise<void>): Promise<void> {
    if (this.partial === null) return;
    try {
      await use(this.partial);
    } catch (error) {
      this.options.onWarning?.(`the data set will not be kept on disk: ${messageOf(error)}`);
      await this.partial.discard();
      this.partial = null;
    }
  }
}

/** @throws what the signal was aborted with */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function temporary(message: string): Error {
  return Object.assign(new Error(message), { temporary: true });
}

function isTemporary(error: unknown): boolean {
  return error instanceof Error && 'temporary' in error && error.temporary === true;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
