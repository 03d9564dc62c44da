import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetCache } from './cache.js';
import { CacheFullError, InvalidCacheLimitError } from './errors.js';
import { removePacked } from './packed/verified.js';

/** A file that was used within this time is in use: its users say so every minute. */
const inUseMs = 5 * 60_000;
const sayEveryMs = 60_000;
const usualLimit = '20GiB';
const units = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 } as const;

export interface CachedFile {
  readonly path: string;
  /** SHA-256 of the data set that it holds, or a part of. */
  readonly hash: string;
  /** Partial: a fetch that was cut. */
  readonly partial: boolean;
  readonly bytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly usedAt: number;
  readonly inUse: boolean;
  /** The imported data set that it is; null for any other. */
  readonly name: string | null;
  /**
   * Whether it can be had again: it is no imported data set. While an entry of the names is damaged, no whole file is
   * known not to be what the entry stood for.
   */
  readonly replaceable: boolean;
}

/** Bytes of `20GiB`, `500 MiB` or `1000`; null for what is no size. */
export function parseBytes(text: string): number | null {
  const [, digits, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]ib|b)?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  return Math.floor(Number(digits) * units[unit.toLowerCase() as keyof typeof units]);
}

/** ELBO_CACHE_LIMIT, or 20 GiB. @throws InvalidCacheLimitError */
export function cacheLimitBytes(env: NodeJS.ProcessEnv = process.env): number {
  const text = env.ELBO_CACHE_LIMIT || usualLimit;
  const bytes = parseBytes(text);
  if (bytes === null) throw new InvalidCacheLimitError(text);
  return bytes;
}

/** Every data set and part of one in the cache, the least recently used first. */
export async function listCachedFiles(cache: DatasetCache, now = Date.now()): Promise<CachedFile[]> {
  const names = new Map<string, string>();
  let namesAreWhole = true;
  for (const name of await cache.names()) {
    const hash = await cache.hashOf(name).catch(() => {
      namesAreWhole = false;
      return null;
    });
    if (hash !== null) names.set(hash, name);
  }
  const files: CachedFile[] = [];
  for (const entry of await readdir(cache.folder).catch(() => [])) {
    const [, hash, ending] = /^([0-9a-f]{64})\.elbods(\.part|\.[0-9a-f-]{36}\.tmp)?$/.exec(entry) ?? [];
    if (hash === undefined) continue;
    const path = join(cache.folder, entry);
    const found = await stat(path).catch(() => null); // removed meanwhile
    if (found === null) continue;
    const partial = ending !== undefined;
    const usedAt = found.atimeMs;
    const inUse = now - usedAt < inUseMs;
    const name = partial ? null : (names.get(hash) ?? null);
    const replaceable = partial || (name === null && namesAreWhole);
    files.push({ path, hash, partial, bytes: found.size, usedAt, inUse, name, replaceable });
  }
  return files.sort((a, b) => a.usedAt - b.usedAt);
}

/**
 * Removes what is not in use and can be had again, the least recently used first, until so many more bytes stay within
 * the limit. Imported data sets do not count.
 * @throws CacheFullError when what is in use leaves too little
 */
export async function makeRoom(cache: DatasetCache, bytes: number, limitBytes: number, except?: string): Promise<void> {
  const files = (await listCachedFiles(cache)).filter((file) => file.replaceable);
  let held = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files) {
    if (held + bytes <= limitBytes) return;
    if (file.inUse || file.hash === except) continue;
    await removePacked(file.path);
    held -= file.bytes;
  }
  if (held + bytes > limitBytes) throw new CacheFullError(cache.folder, bytes, held, limitBytes);
}

/** Removes all that is not in use and can be had again. @returns what was removed */
export async function pruneCache(cache: DatasetCache): Promise<CachedFile[]> {
  const removed = (await listCachedFiles(cache)).filter((file) => file.replaceable && !file.inUse);
  for (const file of removed) await removePacked(file.path);
  return removed;
}

/** Says that a file is in use, now and every minute until the signal is aborted. */
export async function keepInUse(path: string, signal: AbortSignal): Promise<void> {
  const say = async () => {
    const { mtime } = await stat(path);
    await utimes(path, new Date(), mtime);
  };
  // A cache that this user may read and not write has somebody else to mind it.
  const quietly = () => say().catch(() => {});
  await quietly();
  if (signal.aborted) return;
  const saying = setInterval(quietly, sayEveryMs);
  saying.unref();
  signal.addEventListener('abort', () => clearInterval(saying), { once: true });
}
