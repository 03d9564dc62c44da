import { gzipSync } from 'node:zlib';
import { readIdxExamples } from '@elbo/datasets/importers/idx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idx, sourceFile } from './support.js';

const images = idx([2, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);

describe('the IDX importer', () => {
  it('reads images and labels, plain and gzip', async () => {
    const labelsPath = await sourceFile('labels', idx([2], [4, 9]));
    for (const content of [images, gzipSync(images)]) {
      const table = await readIdxExamples(await sourceFile('images', content), labelsPath);
      expect(table).toMatchObject({ count: 2, exampleShape: [2, 3] });
      expect([...table.values]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
      expect([...table.labels!]).toEqual([4, 9]);
    }
  });

  it('reads any array of 1 to 5 dimensions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }), async (shape) => {
        const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 256);
        const table = await readIdxExamples(await sourceFile('any', idx(shape, values)), null);
        expect(table.exampleShape).toEqual(shape.length === 1 ? [1] : shape.slice(1));
        expect([...table.values]).toEqual(values);
      }),
      { numRuns: 20 },
    );
  });

  it('names a truncated file and the bytes that it lacks', async () => {
    for (const [length, expectedBytes] of [
      [3, 4],
      [10, 16],
      [27, 28],
    ] as const) {
      const path = await sourceFile('images', images.subarray(0, length));
      await expect(readIdxExamples(path, null)).rejects.toMatchObject({
        code: 'truncated-file',
        path,
        expectedBytes,
        actualBytes: length,
      });
    }
  });

  it('names a truncated and a damaged gzip', async () => {
    const zipped = gzipSync(images);
    const truncated = await sourceFile('truncated.gz', zipped.subarray(0, zipped.length - 9));
    await expect(readIdxExamples(truncated, null)).rejects.toMatchObject({ code: 'truncated-file', path: truncated });
    const damaged = await sourceFile('damaged.gz', Buffer.from(zipped).fill(0xff, 12, 20));
    await expect(readIdxExamples(damaged, null)).rejects.toMatchObject({ code: 'unsupported-content', path: damaged });
  });

  it('names a wrong magic number', async () => {
    const path = await sourceFile('images', Buffer.from('\x89PNG not IDX', 'latin1'));
    await expect(readIdxExamples(path, null)).rejects.toMatchObject({
      code: 'wrong-magic',
      path,
      found: '89 50 4e 47',
    });
  });

  it('refuses other types, and bytes that follow the values', async () => {
    const floats = await sourceFile('floats', idx([1], [0, 0, 0, 0], 0x0d));
    await expect(readIdxExamples(floats, null)).rejects.toThrow(/type 0x0d; only unsigned bytes/);
    const longer = await sourceFile('longer', Buffer.concat([images, Buffer.alloc(3)]));
    await expect(readIdxExamples(longer, null)).rejects.toThrow(/3 bytes follow the 12 values/);
  });

  it('names both files when there are not as many labels as images', async () => {
    const imagesPath = await sourceFile('images', images);
    const labelsPath = await sourceFile('labels', idx([3], [1, 2, 3]));
    await expect(readIdxExamples(imagesPath, labelsPath)).rejects.toMatchObject({
      code: 'label-count',
      examplesPath: imagesPath,
      examples: 2,
      labelsPath,
      labels: 3,
    });
  });

  it('refuses images in the place of labels, and an empty file', async () => {
    const imagesPath = await sourceFile('images', images);
    await expect(readIdxExamples(imagesPath, imagesPath)).rejects.toThrow(/labels have one dimension, and this has 3/);
    const empty = await sourceFile('empty', idx([0, 28, 28], []));
    await expect(readIdxExamples(empty, null)).rejects.toMatchObject({ code: 'empty-dataset', path: empty });
  });

  it('does not believe a header that declares more than can be', async () => {
    const path = await sourceFile('huge', idx([0xffffffff, 0xffffffff], []));
    await expect(readIdxExamples(path, null)).rejects.toMatchObject({ code: 'too-large' });
    await expect(readIdxExamples('/nowhere/at-all', null)).rejects.toMatchObject({ code: 'unreadable-source' });
  });
});
