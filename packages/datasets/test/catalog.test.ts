import { readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { packMnist } from '@elbo/datasets/builtin/mnist';
import { DatasetCache, datasetCacheFolder } from '@elbo/datasets/cache';
import { describeDataset, ensureDataset, listDatasets, resolveDataset } from '@elbo/datasets/catalog';
import { importDataset } from '@elbo/datasets/importers/import-dataset';
import { datasetSpecSchema } from '@elbo/protocol/run-spec';
import { describe, expect, it } from 'vitest';
import { HashRandom, sourceFile, temporaryCache, temporaryFolder } from './support.js';

const randomOf = (seed: number) => new HashRandom(seed);
const spec = (name: string, more = {}) => datasetSpecSchema.parse({ name, ...more });
const mnistHash = '64669f577c96b1bc3aa00b5a6b06cba61e13b8dbdf0ea1ffede41d06cce1ae5d';

describe('mnist', () => {
  it('is the 60,000 + 10,000 digits, at an address that never changes', async () => {
    const mnist = await packMnist();
    expect(mnist.hash).toBe(mnistHash);
    expect(mnist.header).toMatchObject({ name: 'mnist', exampleShape: [28, 28], valueRange: [0, 1] });
    expect([mnist.count('train'), mnist.count('test'), mnist.dataDim]).toEqual([60_000, 10_000, 784]);
    expect([...mnist.labels('train')!.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect([...mnist.labels('test')!.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    const pixels = mnist.values('train');
    let sum = 0;
    for (let i = 0; i < pixels.length; i++) sum += pixels[i]!;
    // The mean that every MNIST pipeline normalises with.
    expect(sum / pixels.length / 255).toBeCloseTo(0.1307, 4);
  });

  it('is packed into the cache at its first use and opened from there at the next', async () => {
    const cache = await temporaryCache();
    const before = await describeDataset('mnist', cache);
    expect(before).toMatchObject({ builtIn: true, hash: mnistHash, path: null, bytes: null, trainExamples: 60_000 });
    const first = await ensureDataset(spec('mnist'), randomOf, cache);
    expect(first.hash).toBe(mnistHash);
    const { path, bytes } = await describeDataset('mnist', cache);
    expect([path, bytes]).toEqual([cache.pathOf(mnistHash), first.bytes.length]);
    const torn = (await readFile(path!)).fill(7, 1_000_000, 1_000_001);
    await writeFile(path!, torn);
    await expect(ensureDataset(spec('mnist'), randomOf, cache)).rejects.toMatchObject({
      code: 'corrupt-packed-file',
      path,
    });
    await rm(path!);
    expect((await ensureDataset(spec('mnist'), randomOf, cache)).hash).toBe(mnistHash);
  });
});

describe('the catalogue', () => {
  it('lists built-in data sets, then imported ones, and broken ones with their problem', async () => {
    const cache = await temporaryCache();
    const table = await importDataset(
      { kind: 'csv', name: 'table', train: await sourceFile('t', '1,2\n3,4\n') },
      cache,
    );
    const lost = await importDataset({ kind: 'csv', name: 'lost', train: await sourceFile('t', '5\n') }, cache);
    await cache.remove(lost.hash);
    const listed = await listDatasets(cache);
    expect(listed.map((entry) => entry.name)).toEqual([
      'mnist',
      'gaussian-mixture',
      'probabilistic-pca',
      'lost',
      'table',
    ]);
    expect(listed[3]).toMatchObject({ problem: { code: 'unreadable-source' } });
    expect(listed[4]).toEqual({
      name: 'table',
      builtIn: false,
      trainExamples: 2,
      testExamples: 0,
      exampleShape: [2],
      elementType: 'float32',
      labelled: false,
      hash: table.hash,
      path: cache.pathOf(table.hash),
      bytes: table.bytes.length,
    });
  });

  it('resolves a name to its hash, and names what it knows when it does not know one', async () => {
    const cache = await temporaryCache();
    const table = await importDataset({ kind: 'csv', name: 'table', train: await sourceFile('t', '1\n') }, cache);
    expect(await resolveDataset('table', cache)).toBe(table.hash);
    await expect(ensureDataset(spec('tabel'), randomOf, cache)).rejects.toMatchObject({
      code: 'unknown-dataset',
      dataset: 'tabel',
      known: ['mnist', 'gaussian-mixture', 'probabilistic-pca', 'table'],
    });
  });

  it('names an entry of its index that is not valid', async () => {
    const cache = await temporaryCache();
    await importDataset({ kind: 'csv', name: 'table', train: await sourceFile('t', '1\n') }, cache);
    const entry = join(cache.folder, 'names', 'table.json');
    const valid = await readFile(entry, 'utf8');
    for (const content of ['', '{}', valid.replace('"table"', '"other"'), valid.replace(/[0-9a-f]{64}/, '../../etc')]) {
      await writeFile(entry, content);
      await expect(resolveDataset('table', cache)).rejects.toMatchObject({ code: 'corrupt-packed-file', path: entry });
    }
  });

  it('refuses, before a run starts, a spec that the data cannot serve', async () => {
    const cache = await temporaryCache();
    await importDataset({ kind: 'csv', name: 'table', train: await sourceFile('t', '1\n2\n') }, cache);
    await expect(ensureDataset(spec('table', { validation: 2 }), randomOf, cache)).rejects.toMatchObject({
      code: 'invalid-split',
    });
    await expect(ensureDataset(spec('table', { pixels: 'dynamic' }), randomOf, cache)).rejects.toMatchObject({
      code: 'value-out-of-range',
      message: expect.stringContaining('(--likelihood gaussian) with raw pixels (--pixels raw)'),
      example: 1,
      value: 2,
    });
    await expect(ensureDataset(spec('table'), randomOf, cache)).resolves.toMatchObject({ dataDim: 1 });
  });
});

describe('the cache folder', () => {
  it('is ELBO_CACHE, else XDG_CACHE_HOME/elbo, else ~/.cache/elbo', () => {
    expect(datasetCacheFolder({ ELBO_CACHE: 'here', XDG_CACHE_HOME: '/xdg' })).toBe(resolve('here/datasets'));
    expect(datasetCacheFolder({ ELBO_CACHE: '', XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/elbo/datasets');
    expect(datasetCacheFolder({ XDG_CACHE_HOME: 'relative' })).toBe(join(homedir(), '.cache/elbo/datasets'));
    expect(datasetCacheFolder({})).toBe(join(homedir(), '.cache/elbo/datasets'));
  });

  it('that cannot be written is named, with the way out', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const train = await sourceFile('t', '1\n');
    const attempt = importDataset({ kind: 'csv', name: 'table', train }, new DatasetCache(join(file, 'datasets')));
    await expect(attempt).rejects.toMatchObject({ code: 'cache-write' });
    await expect(attempt).rejects.toThrow(/set ELBO_CACHE to another folder/);
  });
});
