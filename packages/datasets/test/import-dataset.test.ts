import { readdir } from 'node:fs/promises';
import { importDataset } from '@elbo/datasets/importers/import-dataset';
import { splitByFraction } from '@elbo/datasets/importers/test-fraction';
import { openPacked } from '@elbo/datasets/packed/open';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idx, npy, png, sourceFile, sourceFolder, temporaryCache } from './support.js';

describe('importing a data set', () => {
  it('packs each kind of source and gives it the name', async () => {
    const cache = await temporaryCache();
    const bytes = await importDataset(
      {
        kind: 'idx',
        name: 'digits',
        train: await sourceFile('x', idx([2, 1, 2], [0, 255, 51, 102])),
        trainLabels: await sourceFile('y', idx([2], [1, 2])),
        test: await sourceFile('x', idx([1, 1, 2], [5, 6])),
        testLabels: await sourceFile('y', idx([1], [3])),
      },
      cache,
    );
    expect(bytes.header).toMatchObject({ scale: 1 / 255, valueRange: [0, 1], exampleShape: [1, 2] });
    expect([...bytes.labels('test')!]).toEqual([3]);
    const array = await importDataset(
      {
        kind: 'npy',
        name: 'array',
        train: await sourceFile('a', npy({ descr: '<f4', shape: [2] }, Float32Array.of(-1, 3))),
      },
      cache,
    );
    expect(array.header).toMatchObject({ elementType: 'float32', scale: 1, valueRange: [-1, 3] });
    const table = await importDataset(
      { kind: 'csv', name: 'table', train: await sourceFile('t', 'a,b\n0,128\n'), header: true, scale: 1 / 256 },
      cache,
    );
    expect(table.header.valueRange).toEqual([0, 0.5]);
    const images = await importDataset(
      { kind: 'png', name: 'images', train: await sourceFolder({ 'cat/a.png': png(2, 2, 1, (i) => i) }) },
      cache,
    );
    expect(images.header).toMatchObject({ exampleShape: [2, 2], labelNames: ['cat'] });
    expect(await cache.names()).toEqual(['array', 'digits', 'images', 'table']);
    for (const dataset of [bytes, array, table, images]) {
      expect(await cache.hashOf(dataset.header.name)).toBe(dataset.hash);
      expect((await openPacked(dataset.hash, cache)).bytes).toEqual(dataset.bytes);
    }
  });

  it('keeps labels beyond 255 that only one of the splits has', async () => {
    const [low, high] = [await sourceFile('low', '1,7\n2,8\n'), await sourceFile('high', '3,256\n')];
    const options = { kind: 'csv', name: 'table', labelColumn: 2 } as const;
    const inTest = await importDataset({ ...options, train: low, test: high }, await temporaryCache());
    expect([...inTest.labels('train')!, ...inTest.labels('test')!]).toEqual([7, 8, 256]);
    const inTrain = await importDataset({ ...options, train: high, test: low }, await temporaryCache());
    expect([...inTrain.labels('train')!, ...inTrain.labels('test')!]).toEqual([256, 7, 8]);
  });

  it('knows the range of both splits, whichever reaches further', async () => {
    const importArrays = async (train: number[], test: number[], scale?: number) => {
      const array = (values: number[]) => npy({ descr: '<f4', shape: [values.length] }, Float32Array.from(values));
      const files = { train: await sourceFile('a', array(train)), test: await sourceFile('b', array(test)) };
      const options = { kind: 'npy', name: 'array', ...files, ...(scale !== undefined && { scale }) } as const;
      return importDataset(options, await temporaryCache());
    };
    expect((await importArrays([0, 1], [-2, 3])).header.valueRange).toEqual([-2, 3]);
    expect((await importArrays([-2, 3], [0, 1])).header.valueRange).toEqual([-2, 3]);
    expect((await importArrays([-2, 1], [0, 3], 0.5)).header.valueRange).toEqual([-1, 1.5]);
    await expect(importArrays([0], [-1e38], 1e6)).rejects.toThrow(/times the scale 1000000.*float32/);
  });

  it('packs the same source to the same address, twice without complaint', async () => {
    const cache = await temporaryCache();
    const train = await sourceFile('t', '1,2\n3,4\n');
    const first = await importDataset({ kind: 'csv', name: 'table', train }, cache);
    expect((await importDataset({ kind: 'csv', name: 'table', train }, cache)).hash).toBe(first.hash);
  });

  it('takes a test split out of the training examples where asked', async () => {
    const train = await sourceFile('x', idx([4, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7]));
    const options = { kind: 'idx', name: 'digits', train, testFraction: 0.5 } as const;
    const dataset = await importDataset(options, await temporaryCache());
    expect([...dataset.values('train')]).toEqual([0, 1, 4, 5]);
    expect([...dataset.values('test')]).toEqual([2, 3, 6, 7]);
  });

  it('takes no name twice, unless told to replace, and then leaves nothing of the old one', async () => {
    const cache = await temporaryCache();
    const options = { kind: 'csv', name: 'table' } as const;
    await importDataset({ ...options, train: await sourceFile('t', '1\n') }, cache);
    const other = await sourceFile('t', '2\n');
    await expect(importDataset({ ...options, train: other }, cache)).rejects.toMatchObject({ code: 'dataset-exists' });
    const replaced = await importDataset({ ...options, train: other, replace: true }, cache);
    expect(await cache.hashOf('table')).toBe(replaced.hash);
    expect((await readdir(cache.folder)).sort()).toEqual([`${replaced.hash}.elbods`, 'names']);
    await expect(importDataset({ ...options, name: 'mnist', train: other }, cache)).rejects.toMatchObject({
      code: 'dataset-exists',
      dataset: 'mnist',
    });
  });

  it('names both sources when train and test do not fit', async () => {
    const cache = await temporaryCache();
    const train = await sourceFile('train', idx([1, 2, 2], [1, 2, 3, 4]));
    const wide = await sourceFile('wide', idx([1, 2, 3], [1, 2, 3, 4, 5, 6]));
    const labels = await sourceFile('labels', idx([1], [1]));
    const options = { kind: 'idx', name: 'digits', train } as const;
    const error = await importDataset({ ...options, test: wide }, cache).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'unsupported-content', path: wide });
    expect((error as Error).message).toContain(`2x3, and 2x2 in the train split (${train})`);
    await expect(importDataset({ ...options, trainLabels: labels, test: train }, cache)).rejects.toThrow(/no labels/);
    const floats = await sourceFile('floats', npy({ descr: '<f4', shape: [1] }, Float32Array.of(1)));
    const bytes = await sourceFile('bytes', npy({ descr: '|u1', shape: [1] }, Uint8Array.of(1)));
    await expect(importDataset({ kind: 'npy', name: 'a', train: floats, test: bytes }, cache)).rejects.toThrow(
      /another type/,
    );
    expect(await cache.names()).toEqual([]);
  });

  it('names the columns of CSV files that are not in the same order', async () => {
    const cache = await temporaryCache();
    const train = await sourceFile('train', 'width,kind,height\n1,7,2\n');
    const base = { kind: 'csv', name: 'table', header: true, train, labelColumn: 'kind' } as const;
    const moved = { ...base, test: await sourceFile('test', 'kind, height, width\n7,2,1\n') };
    await expect(importDataset(moved, cache)).rejects.toThrow(/it has height in the place of the column width in the/);
    const same = await importDataset({ ...base, test: await sourceFile('test', 'kind,width,height\n8,3,4\n') }, cache);
    expect([...same.values('test')]).toEqual([3, 4]);
  });

  it('refuses options that contradict each other or are not its own', async () => {
    const cache = await temporaryCache();
    const base = { kind: 'csv', name: 'table', train: 't' } as const;
    await expect(importDataset({ ...base, test: 'u', testFraction: 0.5 }, cache)).rejects.toThrow(/not both/);
    await expect(importDataset({ ...base, testFraction: 1 }, cache)).rejects.toThrow();
    await expect(importDataset({ ...base, name: '../escape' }, cache)).rejects.toThrow(/data set name/);
    await expect(importDataset({ ...base, colour: 'red' } as never, cache)).rejects.toThrow(/colour/);
  });
});

describe('a test fraction', () => {
  const counting = (count: number) => ({
    source: 'counting',
    count,
    exampleShape: [1],
    values: Float32Array.from({ length: count }, (_, i) => i),
    labels: Uint16Array.from({ length: count }, (_, i) => i + 300),
    labelNames: null,
  });

  it('takes examples evenly from the whole source', () => {
    const { train, test } = splitByFraction(counting(10), 0.3);
    expect([...test.values]).toEqual([3, 6, 9]);
    expect([...test.labels!]).toEqual([303, 306, 309]);
    expect([...train.values]).toEqual([0, 1, 2, 4, 5, 7, 8]);
  });

  it('loses and doubles nothing, and takes floor(n f), of 100 examples 29 for 0.29', () => {
    expect(splitByFraction(counting(100), 0.29).test.count).toBe(29);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1, max: 99 }), (count, hundredths) => {
        const size = Math.floor((count * hundredths) / 100);
        fc.pre(size > 0 && size < count);
        const { train, test } = splitByFraction(counting(count), hundredths / 100);
        expect(test.count).toBe(size);
        const all = [...train.values, ...test.values].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });

  it('leaves neither split empty', () => {
    expect(() => splitByFraction(counting(3), 0.1)).toThrow(/leaves one split empty/);
  });
});
