import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { sha256Schema } from '@elbo/protocol/messages';
import { datasetSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { cacheLimitBytes, keepInUse, makeRoom } from './cache-room.js';
import { CacheWriteError, CorruptPackedFileError, UnreadableSourceError } from './errors.js';
import { removePacked } from './packed/verified.js';

/** ELBO_CACHE, else XDG_CACHE_HOME/elbo, else ~/.cache/elbo; packed data sets lie in its folder `datasets`. */
export function datasetCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  // The XDG specification has relative paths ignored.
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache');
  return join(env.ELBO_CACHE ? resolve(env.ELBO_CACHE) : join(base, 'elbo'), 'datasets');
}

const nameEntrySchema = z.strictObject({
  version: z.literal(1),
  name: datasetSpecSchema.shape.name,
  sha256: sha256Schema,
});

/**
 * The folder of packed files. Files are named by their hash. Names lie beside them, one small file each, so that two
 * processes that import at once cannot lose each other's entry. Every write is whole or not there.
 */
export class DatasetCache {
  constructor(
    readonly folder: string = datasetCacheFolder(),
    /** Of the files that can be had again: fetched ones and built-in ones. */
    readonly limitBytes: number = cacheLimitBytes(),
  ) {}

  pathOf(hash: string): string {
    return join(this.folder, `${sha256Schema.parse(hash)}.elbods`);
  }

  /** Of a data set that is being fetched. */
  partialPathOf(hash: string): string {
    return `${this.pathOf(hash)}.part`;
  }

  /** Removes the least recently used until so many more bytes fit. @throws CacheFullError */
  async makeRoom(bytes: number, exceptHash?: string): Promise<void> {
    await makeRoom(this, bytes, this.limitBytes, exceptHash);
  }

  /** A data set that is used is not removed to make room, until the signal is aborted. */
  async keepWhileUsed(hash: string, signal: AbortSignal): Promise<void> {
    await keepInUse(this.pathOf(hash), signal);
  }

  async has(hash: string): Promise<boolean> {
    return (await this.sizeOf(hash)) !== null;
  }

  /** Bytes on disk, or null. */
  async sizeOf(hash: string): Promise<number | null> {
    return stat(this.pathOf(hash)).then((entry) => entry.size, nullWhenMissing);
  }

  /**
   * Keeps a packed data set, unless a file of the same hash and length is there.
   * @throws CacheWriteError
   */
  async save(hash: string, bytes: Uint8Array): Promise<string> {
    const path = this.pathOf(hash);
    if ((await this.sizeOf(hash)) !== bytes.length) await writeWhole(path, bytes);
    return path;
  }

  /** The hash that a name stands for, or null. @throws CorruptPackedFileError */
  async hashOf(name: string): Promise<string | null> {
    const path = this.#entryPath(name);
    const text = await readFile(path, 'utf8').catch(nullWhenMissing);
    if (text === null) return null;
    try {
      const entry = nameEntrySchema.parse(JSON.parse(text));
      if (entry.name === name) return entry.sha256;
    } catch (cause) {
      throw new CorruptPackedFileError(path, 'it is not a valid entry of the names index', { cause });
    }
    throw new CorruptPackedFileError(path, 'it is the entry of another name');
  }

  /** @throws CacheWriteError */
  async setName(name: string, hash: string): Promise<void> {
    const entry = JSON.stringify(nameEntrySchema.parse({ version: 1, name, sha256: hash }));
    await writeWhole(this.#entryPath(name), Buffer.from(`${entry}\n`));
  }

  /** Every name with an entry, in order. */
  async names(): Promise<string[]> {
    const entries = (await readdir(join(this.folder, 'names')).catch(nullWhenMissing)) ?? [];
    return entries
      .filter((entry) => entry.endsWith('.json'))
      .map((entry) => entry.slice(0, -'.json'.length))
      .filter((name) => datasetSpecSchema.shape.name.safeParse(name).success)
      .sort();
  }

  async remove(hash: string): Promise<void> {
    await removePacked(this.pathOf(hash));
  }

  #entryPath(name: string): string {
    return join(this.folder, 'names', `${datasetSpecSchema.shape.name.parse(name)}.json`);
  }
}

/** Writes beside the place, syncs, and renames: a reader sees the old file or the whole new one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {}); // The first error is the one to tell.
    throw new CacheWriteError(path, bytes.length, cause);
  }
}

function nullWhenMissing(error: NodeJS.ErrnoException): null {
  // ENOTDIR: what should be the cache folder is a file. Nothing is cached there; the first write will say so.
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw new UnreadableSourceError(error.path ?? 'The data set cache', error.message, { cause: error });
}
