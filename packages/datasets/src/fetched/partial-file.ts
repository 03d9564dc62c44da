import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { DatasetCache } from '../cache.js';

/** Whoever writes a partial file touches it every second; one that lies still for longer is nobody's. */
const touchMs = 1000;
const heldMs = 5000;
const readBytes = 1 << 20;
/** The modification time of a file that was let go of. */
const letGo = new Date(0);

/** A data set on its way to the cache. What is in it is nothing to rely on before the whole has its hash. */
export class PartialFile {
  readonly #touching: NodeJS.Timeout;
  #closed = false;

  private constructor(
    private readonly cache: DatasetCache,
    private readonly hash: string,
    private readonly file: FileHandle,
    /** Bytes in it. */
    public size: number,
  ) {
    this.#touching = setInterval(() => void this.#touch(new Date()).catch(() => {}), touchMs);
    this.#touching.unref();
  }

  /**
   * Begins a partial file, or takes over one that another process has left behind. `taken`: another is at it, or done.
   * @throws Error of the file system
   */
  static async claim(cache: DatasetCache, hash: string): Promise<PartialFile | 'taken'> {
    const path = cache.partialPathOf(hash);
    await mkdir(cache.folder, { recursive: true });
    const made = await open(path, 'wx+').catch(nullWhen('EEXIST'));
    const file = made ?? (await openAbandoned(path));
    if (file === null) return 'taken';
    const partial = new PartialFile(cache, hash, file, (await file.stat()).size);
    await partial.#touch(new Date());
    if (!(await cache.has(hash))) return partial;
    // It was published since the caller looked.
    await partial.discard();
    return 'taken';
  }

  /** What is in it, from its begin, `limit` bytes at most. */
  async *parts(limit: number): AsyncGenerator<Uint8Array> {
    const end = Math.min(this.size, limit);
    for (let at = 0; at < end; ) {
      const { bytesRead, buffer } = await this.file.read(
        Buffer.allocUnsafe(readBytes),
        0,
        Math.min(readBytes, end - at),
        at,
      );
      if (bytesRead === 0) throw new Error(`${this.cache.partialPathOf(this.hash)} ends after ${at} bytes`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.size);
      done += bytesWritten;
      this.size += bytesWritten;
    }
  }

  /** It is whole: gives it the place of the data set. @throws Error when it is not as long as the data set */
  async publish(bytes: number): Promise<void> {
    if (this.size !== bytes) throw new Error(`its file has ${this.size} bytes, not ${bytes}`);
    await this.file.sync();
    if (await this.#isInPlace()) await rename(this.cache.partialPathOf(this.hash), this.cache.pathOf(this.hash));
    await this.#close();
  }

  /** Leaves it for whoever fetches the data set next. */
  async release(): Promise<void> {
    if (this.#closed) return;
    clearInterval(this.#touching);
    await this.#touch(letGo).catch(() => {});
    await this.#close();
  }

  async discard(): Promise<void> {
    if (this.#closed) return;
    if (await this.#isInPlace()) await rm(this.cache.partialPathOf(this.hash), { force: true });
    await this.#close();
  }

  /** Whether the path still leads to this file: a process that was stopped for long may have lost it to another. */
  async #isInPlace(): Promise<boolean> {
    const [open, there] = await Promise.all([
      this.file.stat(),
      stat(this.cache.partialPathOf(this.hash)).catch(nullWhen('ENOENT')),
    ]);
    return there !== null && there.ino === open.ino && there.dev === open.dev;
  }

  #touch(modified: Date): Promise<void> {
    return this.file.utimes(new Date(), modified);
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#touching);
    await this.file.close();
  }
}

/** Null when somebody writes it, takes it over just now, or it is gone. */
async function openAbandoned(path: string): Promise<FileHandle | null> {
  if (!(await liesStill(path))) return null;
  // Those who wait for it see at the same moment that it lies still: one of them takes it.
  const claim = `${path}.claim`;
  const made = await open(claim, 'wx').catch(nullWhen('EEXIST'));
  if (made === null) {
    if (await liesStill(claim)) await rm(claim, { force: true });
    return null;
  }
  try {
    if (!(await liesStill(path))) return null;
    const file = await open(path, 'r+').catch(nullWhen('ENOENT'));
    await file?.utimes(new Date(), new Date());
    return file;
  } finally {
    await made.close();
    await rm(claim, { force: true });
  }
}

async function liesStill(path: string): Promise<boolean> {
  const found = await stat(path).catch(nullWhen('ENOENT'));
  return found !== null && Math.abs(Date.now() - found.mtimeMs) >= heldMs;
}

function nullWhen(code: string): (error: NodeJS.ErrnoException) => null {
  return (error) => {
    if (error.code === code) return null;
    throw error;
  };
}
