import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { readModelFile, writeModelFile } from '@elbo/cli/run-folder/model-file';
import { readSafetensors, writeSafetensors } from '@elbo/cli/run-folder/safetensors';
import { DatasetCache } from '@elbo/datasets/cache';
import { DatasetError } from '@elbo/datasets/errors';
import { readCsvExamples } from '@elbo/datasets/importers/csv';
import { readIdxExamples } from '@elbo/datasets/importers/idx';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { readPng } from '@elbo/datasets/importers/png';
import { openPacked, readPackedHeader } from '@elbo/datasets/packed/open';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { createModel } from '@elbo/vae-core/models/model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/elbo.js';
import { pngChunk } from '../support/png-chunk.js';
import { runElbo } from '../support/run-elbo.js';

const csv = { header: false, labelColumn: null, delimiter: ',' };
const mebibytes = () => process.memoryUsage().rss / 2 ** 20;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

async function file(content: string | Uint8Array): Promise<string> {
  const path = join(folder.path, 'hostile');
  await writeFile(path, content);
  return path;
}

function idxHead(...sizes: number[]): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head.set([0, 0, 8, sizes.length]);
  for (const [i, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * i);
  return head;
}

function npy(shape: string): Buffer {
  const dict = `{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }\n`;
  const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  head.writeUInt16LE(dict.length, 8);
  return Buffer.concat([head, Buffer.from(dict), Buffer.alloc(8)]);
}

function packed(header: string, dataBytes = 16): Buffer {
  const preamble = Buffer.alloc(16);
  preamble.write('ELBODATA');
  preamble.writeUInt32LE(1, 8);
  preamble.writeUInt32LE(header.length, 12);
  const head = Buffer.concat([preamble, Buffer.from(header)]);
  return Buffer.concat([head, Buffer.alloc((16 - (head.length % 16)) % 16), Buffer.alloc(dataBytes)]);
}

const packedHeader = (count: number, shape: number[], offset = 0) =>
  JSON.stringify({
    ...{ name: 'x', exampleShape: shape, elementType: 'uint8', scale: 1, valueRange: [0, 1] },
    ...{ labelType: null, labelNames: null },
    splits: {
      train: { count, valuesOffset: offset, labelsOffset: null },
      test: { count: 0, valuesOffset: 16, labelsOffset: null },
    },
  });

function png(width: number, height: number, ...chunks: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, pngChunk('IHDR', header), ...chunks, pngChunk('IEND', Buffer.alloc(0))]);
}

describe('a hostile data file', () => {
  it.each<[string, Buffer]>([
    ['counts whose product is 2^160', idxHead(...Array(5).fill(2 ** 32 - 1))],
    ['counts whose product wraps to 0 in 32 bits', idxHead(2 ** 16, 2 ** 16)],
    ['counts whose product is within the limit, and no values', idxHead(2 ** 31)],
    ['no examples', idxHead(0, 28, 28)],
    ['no dimensions', Buffer.from([0, 0, 8, 0])],
    ['255 dimensions', Buffer.from([0, 0, 8, 255])],
  ])('of IDX with %s is refused', async (_what, content) => {
    await expect(readIdxExamples(await file(content), null)).rejects.toBeInstanceOf(DatasetError);
  });

  it.each([
    '(999999999999999, 999999999999999)',
    '(4294967296, 4294967296)',
    '(0,)',
    '(-1,)',
    '(1e9,)',
    '(2, 1, 1, 1, 1, 1, 4)',
    `(${'1, '.repeat(40)})`,
    '__import__("os").system("id")',
  ])('of NPY with the shape %s is refused', async (shape) => {
    await expect(readNpyExamples(await file(npy(shape)))).rejects.toBeInstanceOf(DatasetError);
  });

  it.each<[string, Buffer]>([
    ['a count that is not there', packed(packedHeader(2 ** 52, [1]))],
    ['a product that overflows', packed(packedHeader(2 ** 40, [2 ** 12, 2 ** 12]))],
    ['a shape larger than any', packed(packedHeader(1, [2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24]))],
    ['offsets of its own', packed(packedHeader(16, [1], 2 ** 40))],
    ['negative counts', packed(packedHeader(-1, [1]))],
    ['a key twice', packed(packedHeader(16, [1]).replace('"scale":1', '"scale":1,"scale":1'))],
    ['a prototype', packed(packedHeader(16, [1]).replace('{', '{"__proto__":{"scale":2},'))],
    ['a header nested deeply', packed(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`)],
    ['a header that is longer than the file', Buffer.concat([packed('{}').subarray(0, 12), Buffer.alloc(4, 255)])],
  ])('of ours with %s is refused', async (_what, content) => {
    const hash = '0'.repeat(64);
    const cache = new DatasetCache(folder.path);
    const path = await cache.save(hash, content);
    await expect(openPacked(hash, cache)).rejects.toMatchObject({ code: 'corrupt-packed-file' });
    await expect(readPackedHeader(path)).rejects.toMatchObject({ code: 'corrupt-packed-file' });
  });

  it('that is a small PNG and unpacks to a quarter of a gigabyte is refused before it is unpacked', async () => {
    const zeros = deflateSync(Buffer.alloc(2 ** 28), { level: 9 });
    const pixel = pngChunk('IDAT', deflateSync(Buffer.alloc(2)));
    const before = mebibytes();
    await expect(readPng(await file(png(1, 1, pngChunk('IDAT', zeros))))).rejects.toThrow(/unpack to more than/);
    // What else a PNG may hold is not looked at.
    for (const type of ['iCCP', 'zTXt', 'iTXt', 'prIv']) {
      const bomb = pngChunk(type, Buffer.concat([Buffer.from('x\0\0'), zeros]));
      expect(await readPng(await file(png(1, 1, bomb, pixel)))).toMatchObject({ shape: [1, 1] });
    }
    expect(mebibytes() - before).toBeLessThan(160);
  });

  it('that is a small gzip and unpacks to a quarter of a gigabyte is refused before it is unpacked', async () => {
    const before = mebibytes();
    const zeros = Buffer.alloc(2 ** 28);
    idxHead(1000, 28, 28).copy(zeros);
    const bomb = await file(gzipSync(zeros));
    await expect(readIdxExamples(bomb, null)).rejects.toThrow(/unpacks to more bytes than its header declares/);
    await expect(readNpyExamples(bomb)).rejects.toBeInstanceOf(DatasetError);
    await expect(readPng(bomb)).rejects.toBeInstanceOf(DatasetError);
    expect(mebibytes() - before).toBeLessThan(400);
  });

  it.each<[string, Buffer]>([
    ['that declares 2^62 pixels', png(2 ** 31 - 1, 2 ** 31 - 1)],
    ['that is 0 pixels wide', png(0, 1, pngChunk('IDAT', deflateSync(Buffer.alloc(2))))],
    ['without pixels', png(4, 4)],
    ['with fewer pixels than it declares', png(4, 4, pngChunk('IDAT', deflateSync(Buffer.alloc(3))))],
  ])('of PNG %s is refused', async (_what, content) => {
    await expect(readPng(await file(content))).rejects.toBeInstanceOf(DatasetError);
  });

  it('of CSV that is one line without end, or no text, is refused', async () => {
    await expect(readCsvExamples(await file('"'.repeat(1_000_000)), csv)).rejects.toBeInstanceOf(DatasetError);
    await expect(readCsvExamples(await file(Buffer.alloc(1_000_000, 0xff)), csv)).rejects.toBeInstanceOf(DatasetError);
    await expect(readCsvExamples(await file(Buffer.alloc(1_000_000)), csv)).rejects.toBeInstanceOf(DatasetError);
  });

  it.each(['/dev/zero', '/dev/null', '/proc/self/mem', '/'])('that is %s is refused by every reader', async (path) => {
    const readers = [() => readIdxExamples(path, null), () => readNpyExamples(path), () => readPng(path)];
    for (const read of [...readers, () => readCsvExamples(path, csv), () => readPackedHeader(path)]) {
      await expect(read()).rejects.toBeInstanceOf(DatasetError);
    }
    await expect(readModelFile(path)).rejects.toThrow(/is not a file|0 bytes|read/);
  });
});

describe('a hostile model file', () => {
  const spec = runSpecSchema.parse({ dataset: { name: 'mnist' }, model: { latentDim: 2, encoder: { hidden: [3] } } });
  const { layout } = createModel(spec.model, 5);
  const tensors = (json: string, bytes: number) => {
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
    return Buffer.concat([head, Buffer.from(json), Buffer.alloc(bytes)]);
  };
  const tensor = (name: string) => `"${name}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`;

  it('with a name of twenty megabytes is read like any other', () => {
    const name = 'a'.repeat(20_000_000);
    expect(readSafetensors(tensors(`{${tensor(name)}}`, 4)).tensors[0]?.name).toHaveLength(name.length);
    expect(() => readSafetensors(tensors(`{${tensor(name)},${tensor(name)}}`, 4))).toThrow(/twice/);
  });

  it('whose data begins at an odd byte, and whose names are those of prototypes, is read as it is', () => {
    for (const name of ['__proto__', 'constructor', 'ab']) {
      const read = readSafetensors(tensors(`{${tensor(name)}}`, 4)).tensors;
      expect(read).toEqual([{ name, shape: [1], data: Float32Array.of(0) }]);
    }
    expect(({} as { shape?: unknown }).shape).toBeUndefined();
  });

  it('whose spec promises other layers than it holds is refused by the commands that use it', async () => {
    const path = join(folder.path, 'model.safetensors');
    await writeModelFile(path, { spec, layout, parameters: new Float32Array(layout.length), step: 1 });
    const { tensors: held, metadata } = readSafetensors(await readFile(path));
    await mkdir(join(folder.path, 'lying'));
    const lying = join(folder.path, 'lying', 'model.safetensors');
    const model = { latentDim: 4096, encoder: { hidden: [65_536, 65_536] } };
    const other = JSON.stringify(runSpecSchema.parse({ dataset: { name: 'mnist' }, model }));
    await writeFile(lying, writeSafetensors({ tensors: held, metadata: { ...metadata, spec: other } }));
    const { code, signal, stderr } = await runElbo(['sample', lying, '--count', '1'], {}, folder.path);
    expect([code, signal]).toEqual([1, null]);
    expect(stderr).toMatch(/^elbo: /);
    expect(stderr).not.toMatch(/ {4}at /);
  });
});
