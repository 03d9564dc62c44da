import { once } from 'node:events';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { CorruptPackedFileError, UnreadableSourceError } from '@elbo/datasets/errors';
import { openPacked, readPackedHeader } from '@elbo/datasets/packed/open';
import { packDataset } from '@elbo/datasets/packed/pack';
import { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ExampleTable } from '@elbo/datasets/packed/table';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryCache } from './support.js';

function table(
  values: Uint8Array | Float32Array,
  dataDim: number,
  labels: ExampleTable['labels'] = null,
): ExampleTable {
  const count = values.length / dataDim;
  return { source: 'made by a test', count, exampleShape: [dataDim], values, labels, labelNames: null };
}

const small = packDataset(
  { name: 'small', scale: 1 / 255 },
  table(Uint8Array.of(0, 51, 102, 153, 204, 255), 2, Uint8Array.of(7, 8, 9)),
  table(Uint8Array.of(1, 2), 2, Uint8Array.of(3)),
);

async function expectCorrupt(bytes: Uint8Array, reason: RegExp): Promise<void> {
  const cache = await temporaryCache();
  const path = await cache.save(small.hash, bytes);
  const error = await openPacked(small.hash, cache).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CorruptPackedFileError);
  expect(error).toMatchObject({ code: 'corrupt-packed-file', path });
  expect((error as Error).message).toMatch(reason);
  expect((error as Error).message).toContain('Delete it and import the data set again');
}

/** The small data set with other header text of the same meaning to nobody but a forger. */
function withHeader(edit: (json: string) => string): Uint8Array {
  const json = Buffer.from(edit(JSON.stringify(small.header)));
  const originalStart = Math.ceil((16 + JSON.stringify(small.header).length) / 16) * 16;
  const head = Buffer.alloc(Math.ceil((16 + json.length) / 16) * 16);
  head.set(small.bytes.subarray(0, 12));
  head.writeUInt32LE(json.length, 12);
  head.set(json, 16);
  return Buffer.concat([head, small.bytes.subarray(originalStart)]);
}

describe('a packed data set', () => {
  it('gives back any values and labels it was made of, after a way through the disk', async () => {
    const cache = await temporaryCache();
    const examples = fc.integer({ min: 1, max: 5 }).chain((dataDim) =>
      fc.record({
        dataDim: fc.constant(dataDim),
        rows: fc.array(
          fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: dataDim, maxLength: dataDim }),
          {
            minLength: 1,
            maxLength: 9,
          },
        ),
        labelled: fc.boolean(),
        asBytes: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(examples, async ({ dataDim, rows, labelled, asBytes }) => {
        const floats = Float32Array.from(rows.flat());
        const values = asBytes ? new Uint8Array(floats.buffer).subarray(0, rows.length * dataDim) : floats;
        const labels = labelled ? Uint16Array.from(rows, (_, i) => 1000 + i) : null;
        const packed = packDataset({ name: 'any', scale: 1 }, table(values, dataDim, labels), null);
        await cache.save(packed.hash, packed.bytes);
        const opened = await openPacked(packed.hash, cache);
        expect(opened.values('train')).toEqual(new (values.constructor as Uint8ArrayConstructor)(values));
        expect(opened.labels('train')).toEqual(labels);
        expect(opened.count('test')).toBe(0);
        expect(opened.header).toEqual(packed.header);
      }),
      { numRuns: 50 },
    );
  });

  it('has an address that is the SHA-256 of its bytes, and the same for the same examples', () => {
    expect(small.hash).toBe('e725c540a14f9da2530c088efdc974de1a8ba642f3bbe20c959b8a8591037efe');
    const again = packDataset(
      { name: 'small', scale: 1 / 255 },
      table(Uint8Array.of(0, 51, 102, 153, 204, 255), 2, Uint8Array.of(7, 8, 9)),
      table(Uint8Array.of(1, 2), 2, Uint8Array.of(3)),
    );
    expect(again.hash).toBe(small.hash);
    expect(Buffer.compare(again.bytes, small.bytes)).toBe(0);
  });

  it('lies in shared memory, on multiples of 16 bytes, so that threads see one copy', async () => {
    const cache = await temporaryCache();
    await cache.save(small.hash, small.bytes);
    const opened = await openPacked(small.hash, cache);
    expect(opened.buffer).toBeInstanceOf(SharedArrayBuffer);
    const inThread = new PackedDataset(opened.buffer, opened.hash);
    expect(inThread.values('train').buffer).toBe(opened.values('train').buffer);
    for (const view of [
      opened.values('train'),
      opened.values('test'),
      opened.labels('train')!,
      opened.labels('test')!,
    ]) {
      expect(view.byteOffset % 16).toBe(0);
    }
  });

  it('is read and written by another thread in place', async () => {
    const buffer = new SharedArrayBuffer(small.bytes.length);
    new Uint8Array(buffer).set(small.bytes);
    const ours = new PackedDataset(buffer, small.hash);
    const program = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.module).then(({ PackedDataset }) => {
        const values = new PackedDataset(workerData.buffer, workerData.hash).values('train');
        const read = [...values];
        values[0] = 99;
        parentPort.postMessage(read);
      });`;
    const module = import.meta.resolve('@elbo/datasets/packed/packed-dataset');
    const thread = new Worker(program, { eval: true, workerData: { module, buffer, hash: small.hash } });
    const exited = once(thread, 'exit');
    expect((await once(thread, 'message'))[0]).toEqual([0, 51, 102, 153, 204, 255]);
    await exited;
    expect(ours.values('train')[0]).toBe(99);
  });

  it('says its header without its data', async () => {
    const cache = await temporaryCache();
    const path = await cache.save(small.hash, small.bytes);
    expect(await readPackedHeader(path)).toEqual({ header: small.header, bytes: small.bytes.length });
    expect(small.header).toMatchObject({ name: 'small', exampleShape: [2], elementType: 'uint8', valueRange: [0, 1] });
  });

  it('is written whole: no temporary file stays, and a torn file of its name is replaced', async () => {
    const cache = await temporaryCache();
    const path = await cache.save(small.hash, small.bytes);
    expect(await readdir(cache.folder)).toEqual([`${small.hash}.elbods`]);
    await writeFile(path, small.bytes.subarray(0, 100));
    await expect(openPacked(small.hash, cache)).rejects.toThrow(CorruptPackedFileError);
    await cache.save(small.hash, small.bytes);
    expect((await openPacked(small.hash, cache)).hash).toBe(small.hash);
    expect(await readFile(path)).toHaveLength(small.bytes.length);
  });

  it('is hashed once, and again when it was written meanwhile; saying that it is in use does not count', async () => {
    const cache = await temporaryCache();
    const path = await cache.save(small.hash, small.bytes);
    await openPacked(small.hash, cache);
    const { mtime } = await stat(path);
    const run = new AbortController();
    await cache.keepWhileUsed(small.hash, run.signal);
    run.abort();
    const damaged = Buffer.from(small.bytes);
    damaged[damaged.length - 1]! ^= 1;
    await writeFile(path, damaged);
    await utimes(path, mtime, mtime);
    // The hash is not asked again of what passes for the file that had it...
    expect((await openPacked(small.hash, cache)).bytes.at(-1)).toBe(damaged.at(-1));
    // ...and anything else is not it: written later,
    await utimes(path, mtime, new Date(mtime.getTime() + 1));
    await expect(openPacked(small.hash, cache)).rejects.toThrow(CorruptPackedFileError);
    // of another name,
    const other = '0'.repeat(64);
    const copy = await cache.save(other, damaged);
    await utimes(copy, mtime, mtime);
    await expect(openPacked(other, cache)).rejects.toThrow(/SHA-256 of its content/);
    // or thrown away and made again.
    await cache.remove(small.hash);
    expect(await readdir(cache.folder)).toEqual([`${other}.elbods`]);
  });
});

describe('a packed file that is not whole', () => {
  it('is named when any one byte of it differs', async () => {
    const cache = await temporaryCache();
    const path = await cache.save(small.hash, small.bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(small.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(small.bytes);
        bytes[at]! ^= flip;
        await writeFile(path, bytes);
        await expect(openPacked(small.hash, cache)).rejects.toThrow(CorruptPackedFileError);
      }),
      { numRuns: 60 },
    );
  });

  it('is named when it ends early, at any length, by whoever trusts its hash too', async () => {
    for (const length of [0, 7, 15, 16, 40, small.bytes.length - 1]) {
      const begun = small.buffer.slice(0, length);
      expect(() => new PackedDataset(begun, small.hash)).toThrow(CorruptPackedFileError);
    }
  });

  it('is named with the reason', async () => {
    await expectCorrupt(Buffer.from('PK\x03\x04 some other kind of file'), /its magic is wrong/);
    const version = Buffer.from(small.bytes);
    version.writeUInt32LE(9, 8);
    await expectCorrupt(version, /format version 9, not 1/);
    const long = Buffer.from(small.bytes);
    long.writeUInt32LE(0xffffffff, 12);
    await expectCorrupt(long, /a header of 4294967295 bytes does not fit/);
    await expectCorrupt(Buffer.concat([small.bytes, Buffer.alloc(16)]), /where its header says/);
    const forgeries: [string, string, RegExp][] = [
      ['{', '[', /not JSON/],
      ['"count":3', '"count":-3', /not valid/],
      ['"small"', '"small","more":1', /not valid/],
      ['"uint8"', '"uint64"', /not valid/],
      ['"count":1', '"count":99', /offsets/],
      ['"valuesOffset":0', '"valuesOffset":16', /offsets/],
      ['{"name"', '{"name":"other","name"', /canonical/],
      ['[2]', '[16777216,16777216]', /examples have/],
      ['"train":{"count":3', '"train":{"count":0', /no training example/],
    ];
    for (const [from, to, reason] of forgeries)
      await expectCorrupt(
        withHeader((json) => json.replace(from, to)),
        reason,
      );
  });

  it('is told apart from one that is not there', async () => {
    await expect(openPacked(small.hash, await temporaryCache())).rejects.toThrow(UnreadableSourceError);
  });
});
