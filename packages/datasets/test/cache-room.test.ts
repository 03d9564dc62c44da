import { readdir, utimes, writeFile } from 'node:fs/promises';
import { DatasetCache } from '@elbo/datasets/cache';
import { cacheLimitBytes, listCachedFiles, pruneCache } from '@elbo/datasets/cache-room';
import { importDataset } from '@elbo/datasets/importers/import-dataset';
import { describe, expect, it } from 'vitest';
import { sourceFile, temporaryFolder } from './support.js';

const hashOf = (digit: string) => digit.repeat(64);
const anHourAgo = Date.now() / 1000 - 3600;

/** A cache of at most 1000 bytes with files of 300 bytes: the lower the digit, the longer ago it was used. */
async function filledCache(...digits: string[]): Promise<DatasetCache> {
  const cache = new DatasetCache(await temporaryFolder(), 1000);
  for (const digit of digits) {
    await writeFile(cache.pathOf(hashOf(digit)), Buffer.alloc(300));
    await utimes(cache.pathOf(hashOf(digit)), anHourAgo + Number(digit), anHourAgo);
  }
  return cache;
}

const held = async (cache: DatasetCache) => (await readdir(cache.folder)).filter((name) => name !== 'names').sort();
const file = (digit: string) => `${hashOf(digit)}.elbods`;

describe('the bound of the cache', () => {
  it('removes what was used least recently, and no more than is needed', async () => {
    const cache = await filledCache('3', '1', '2');
    await cache.makeRoom(100);
    expect(await held(cache)).toEqual([file('1'), file('2'), file('3')]);
    await cache.makeRoom(101);
    expect(await held(cache)).toEqual([file('2'), file('3')]);
    await cache.makeRoom(1000);
    expect(await held(cache)).toEqual([]);
  });

  it('never removes what is in use, and says what stands in the way', async () => {
    const cache = await filledCache('1', '2', '3');
    const run = new AbortController();
    await cache.keepWhileUsed(hashOf('1'), run.signal);
    await cache.makeRoom(600);
    expect(await held(cache)).toEqual([file('1')]);
    await expect(cache.makeRoom(701)).rejects.toMatchObject({ code: 'cache-full', bytes: 701, held: 300, limit: 1000 });
    run.abort();
  });

  it('never removes an imported data set, nor counts it', async () => {
    const cache = await filledCache('1');
    const train = await sourceFile('t', '1,2\n3,4\n');
    const imported = await importDataset({ kind: 'csv', name: 'mine', train }, cache);
    await utimes(cache.pathOf(imported.hash), 0, 0);
    await cache.makeRoom(700);
    expect(await held(cache)).toHaveLength(2);
    await cache.makeRoom(1000);
    expect(await held(cache)).toEqual([`${imported.hash}.elbods`]);
    expect(await pruneCache(cache)).toEqual([]);
  });

  it('never removes what may be an imported data set whose entry is damaged', async () => {
    const cache = await filledCache('1');
    const train = await sourceFile('t', '1,2\n3,4\n');
    const { hash } = await importDataset({ kind: 'csv', name: 'mine', train }, cache);
    await utimes(cache.pathOf(hash), 0, 0);
    const part = cache.partialPathOf(hashOf('2'));
    await writeFile(part, '');
    await utimes(part, 0, 0);
    await writeFile(`${cache.folder}/names/mine.json`, '{');
    expect((await pruneCache(cache)).map(({ path }) => path)).toEqual([part]);
    await cache.makeRoom(1000);
    expect(await held(cache)).toEqual([file('1'), `${hash}.elbods`].sort());
  });

  it('knows parts of fetches and what a killed process left half written, and nothing else', async () => {
    const cache = await filledCache('1');
    const part = cache.partialPathOf(hashOf('2'));
    const torn = `${cache.pathOf(hashOf('3'))}.00000000-0000-4000-8000-000000000000.tmp`;
    for (const path of [part, torn]) {
      await writeFile(path, Buffer.alloc(10));
      await utimes(path, 0, 0);
    }
    await writeFile(`${cache.folder}/notes.txt`, 'mine');
    const files = await listCachedFiles(cache);
    expect(files.map(({ path, partial, bytes }) => ({ path, partial, bytes }))).toEqual(
      expect.arrayContaining([
        { path: part, partial: true, bytes: 10 },
        { path: torn, partial: true, bytes: 10 },
        { path: cache.pathOf(hashOf('1')), partial: false, bytes: 300 },
      ]),
    );
    expect(await pruneCache(cache)).toHaveLength(3);
    expect(await held(cache)).toEqual(['notes.txt']);
  });

  it('is ELBO_CACHE_LIMIT, else 20 GiB', () => {
    expect(cacheLimitBytes({})).toBe(20 * 2 ** 30);
    expect(cacheLimitBytes({ ELBO_CACHE_LIMIT: '1.5 GiB' })).toBe(1.5 * 2 ** 30);
    expect(cacheLimitBytes({ ELBO_CACHE_LIMIT: '500mib' })).toBe(500 * 2 ** 20);
    for (const text of ['-1', 'all', '1e9', '5 GB', '9'.repeat(20), 'GiB']) {
      expect(() => cacheLimitBytes({ ELBO_CACHE_LIMIT: text })).toThrow(/ELBO_CACHE_LIMIT/);
    }
  });
});
