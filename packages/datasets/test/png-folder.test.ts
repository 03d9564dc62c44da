import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { readPngFolder } from '@elbo/datasets/importers/png-folder';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { png, rawPng, sourceFolder } from './support.js';

const grey = (value: number) => png(3, 2, 1, () => value);

describe('the PNG folder importer', () => {
  it('reads grey images in the order of their names, whatever else lies there', async () => {
    const folder = await sourceFolder({
      'b.png': grey(2),
      'a.PNG': png(3, 2, 1, (i) => i),
      'c.png': grey(3),
      '.hidden.png': grey(9),
      'notes.txt': Buffer.from('not an image'),
    });
    const table = await readPngFolder(folder, null);
    expect(table).toMatchObject({ count: 3, exampleShape: [2, 3], labels: null, labelNames: null });
    expect([...table.values]).toEqual([0, 1, 2, 3, 4, 5, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]);
  });

  it('reads RGB with the channels of a pixel side by side', async () => {
    const table = await readPngFolder(await sourceFolder({ 'a.png': png(1, 2, 3, (i) => 10 * i) }), null);
    expect(table).toMatchObject({ exampleShape: [2, 1, 3] });
    expect([...table.values]).toEqual([0, 10, 20, 30, 40, 50]);
  });

  it('reads RGB that suggests a palette, and refuses indices into one', async () => {
    const palette = ['PLTE', Uint8Array.of(1, 2, 3)] as const;
    const rgb = rawPng([1, 2, 8, 2], [0, 1, 2, 3, 0, 4, 5, 6], palette);
    const table = await readPngFolder(await sourceFolder({ 'a.png': rgb }), null);
    expect([...table.values]).toEqual([1, 2, 3, 4, 5, 6]);
    const indexed = await sourceFolder({ 'a.png': rawPng([1, 2, 8, 3], [0, 0, 0, 0], palette) });
    await expect(readPngFolder(indexed, null)).rejects.toThrow(/a palette of 8 bits/);
  });

  it('takes sub-folders as labels, with the numbers they had in the train split', async () => {
    const train = await sourceFolder({ 'dog/1.png': grey(1), 'cat/1.png': grey(2), 'cat/2.png': grey(3) });
    const table = await readPngFolder(train, null);
    expect(table.labelNames).toEqual(['cat', 'dog']);
    expect([...table.labels!]).toEqual([0, 0, 1]);
    const test = await readPngFolder(await sourceFolder({ 'dog/9.png': grey(1) }), table.labelNames);
    expect([...test.labels!]).toEqual([1]);
    expect(test.labelNames).toEqual(['cat', 'dog']);
    const bird = await sourceFolder({ 'bird/1.png': grey(1) });
    await expect(readPngFolder(bird, table.labelNames)).rejects.toThrow(
      /bird: the train folder has no such sub-folder/,
    );
  });

  it('names both files when sizes or colour modes differ', async () => {
    const sizes = await sourceFolder({ 'a.png': grey(1), 'b.png': png(4, 2, 1, () => 0) });
    await expect(readPngFolder(sizes, null)).rejects.toMatchObject({
      code: 'mixed-image-sizes',
      firstPath: join(sizes, 'a.png'),
      firstShape: [2, 3, 1],
      path: join(sizes, 'b.png'),
      shape: [2, 4, 1],
    });
    const modes = await sourceFolder({ 'a.png': grey(1), 'b.png': png(3, 2, 3, () => 0) });
    await expect(readPngFolder(modes, null)).rejects.toThrow(/b\.png is 2x3x3 but .*a\.png is 2x3x1/);
  });

  it('names a truncated file, at whatever byte it ends', async () => {
    const whole = png(3, 2, 1, (i) => i);
    for (let length = 8; length < whole.length; length += 7) {
      const folder = await sourceFolder({ 'cut.png': whole.subarray(0, length) });
      await expect(readPngFolder(folder, null)).rejects.toMatchObject({
        code: 'truncated-file',
        path: join(folder, 'cut.png'),
        actualBytes: length,
      });
    }
  });

  it('names a file that is not a PNG, and one whose content is damaged', async () => {
    const jpeg = await sourceFolder({ 'photo.png': Buffer.from('\xff\xd8\xff\xe0 a JPEG', 'latin1') });
    await expect(readPngFolder(jpeg, null)).rejects.toMatchObject({
      code: 'wrong-magic',
      path: join(jpeg, 'photo.png'),
    });
    const damaged = Buffer.from(grey(1));
    damaged[45]! ^= 0xff;
    const checksum = Buffer.from(grey(1));
    checksum[29]! ^= 0xff; // of the image header
    await expect(readPngFolder(await sourceFolder({ 'a.png': checksum }), null)).rejects.toThrow(/CRC/i);
    const folder = await sourceFolder({ 'damaged.png': damaged });
    await expect(readPngFolder(folder, null)).rejects.toThrow(/damaged\.png: it cannot be decoded: .*Save it again/);
  });

  it('refuses pixels that end within a row, interlaced or not, and a checksum that does not fit them', async () => {
    const read = async (image: Uint8Array) => readPngFolder(await sourceFolder({ 'a.png': image }), null);
    const rows = [0, 1, 2, 3, 0, 4, 5, 6];
    const interlaced = [0, 1, 0, 3, 0, 2, 0, 4, 5, 6];
    for (const image of [rawPng([3, 2, 8, 0], rows), rawPng([3, 2, 8, 0, 1], interlaced)]) {
      expect([...(await read(image)).values]).toEqual([1, 2, 3, 4, 5, 6]);
    }
    await expect(read(rawPng([3, 2, 8, 0], rows.slice(0, -1)))).rejects.toThrow(/7 bytes where 8 are needed/);
    const shorter = rawPng([3, 2, 8, 0, 1], interlaced.slice(0, -2));
    await expect(read(shorter)).rejects.toThrow(/8 bytes where 10 are needed/);
    const stream = deflateSync(Uint8Array.from(rows));
    stream[stream.length - 1]! ^= 1;
    await expect(read(rawPng([3, 2, 8, 0], [], ['IDAT', stream]))).rejects.toThrow(/decoded: incorrect data check/);
  });

  it('refuses transparency, 16 bits, and an image too large to be one example', async () => {
    const rgba = await sourceFolder({ 'a.png': png(1, 1, 4, () => 0) });
    await expect(readPngFolder(rgba, null)).rejects.toThrow(/4 channels of 8 bits/);
    const key = rawPng([3, 1, 8, 0], [0, 1, 2, 3], ['tRNS', Uint8Array.of(0, 3)]);
    await expect(readPngFolder(await sourceFolder({ 'a.png': key }), null)).rejects.toThrow(/colours is transparent/);
    const deep = encode({ width: 1, height: 1, channels: 1, depth: 16, data: Uint16Array.of(1) });
    await expect(readPngFolder(await sourceFolder({ 'a.png': deep }), null)).rejects.toThrow(/1 channels of 16 bits/);
    const huge = Buffer.from(grey(1));
    huge.writeUInt32BE(65_536, 16);
    huge.writeUInt32BE(65_536, 20);
    const folder = await sourceFolder({ 'a.png': huge });
    await expect(readPngFolder(folder, null)).rejects.toMatchObject({ code: 'too-large', what: join(folder, 'a.png') });
  });

  it('reads a grey image of more than a quarter of the values that an example may have', async () => {
    const folder = await sourceFolder({ 'a.png': png(2049, 2049, 1, (i) => i) });
    expect(await readPngFolder(folder, null)).toMatchObject({ count: 1, exampleShape: [2049, 2049] });
  });

  it('refuses images beside sub-folders, and names an empty folder', async () => {
    const mixed = await sourceFolder({ 'a.png': grey(1), 'cat/1.png': grey(1) });
    await expect(readPngFolder(mixed, null)).rejects.toThrow(/a\.png: it lies beside the sub-folder cat/);
    const empty = await sourceFolder({ 'readme.txt': Buffer.from('') });
    await expect(readPngFolder(empty, null)).rejects.toMatchObject({ code: 'empty-dataset', path: empty });
    await expect(readPngFolder('/nowhere/at-all', null)).rejects.toMatchObject({ code: 'unreadable-source' });
  });
});
