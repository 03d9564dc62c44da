import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { DatasetCache } from '@elbo/datasets/cache';
import { type DatasetSource, type ObtainOptions, obtainDataset } from '@elbo/datasets/fetched/obtain-dataset';
import { packDataset } from '@elbo/datasets/packed/pack';
import { describe, expect, it } from 'vitest';
import { temporaryCache, temporaryFolder } from './support.js';

const values = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const table = { source: 'test', count: 3000, exampleShape: [100], values, labels: null, labelNames: null };
const { hash, bytes } = packDataset({ name: 'peer', scale: 1 / 255 }, table, null);

/** A conductor that gives the bytes in chunks, and breaks off where it is told to, each time it is asked. */
class Peer {
  readonly askedFrom: number[] = [];
  constructor(
    private readonly cutsAt: (number | null)[] = [],
    private readonly sent: Uint8Array = bytes,
  ) {}

  readonly source: DatasetSource = async (from) => {
    this.askedFrom.push(from);
    const cut = this.cutsAt.shift() ?? null;
    return { totalBytes: this.sent.length, chunks: this.#chunks(from, cut) };
  };

  async *#chunks(from: number, cut: number | null): AsyncGenerator<Uint8Array> {
    for (let at = from; at < this.sent.length; at += 10_000) {
      if (cut !== null && at >= cut) throw Object.assign(new Error('the line was cut'), { temporary: true });
      yield this.sent.subarray(at, at + 10_000);
    }
  }
}

function obtain(peer: Peer, cache: DatasetCache, more: Partial<ObtainOptions> = {}) {
  return obtainDataset(hash, peer.source, { cache, signal: new AbortController().signal, restsMs: [1, 1, 1], ...more });
}

function expectWhole(content: Uint8Array): void {
  expect(Buffer.from(bytes).equals(content)).toBe(true);
}

const gone = { restsMs: [] };

describe('a data set of a conductor', () => {
  it('is fetched once, verified and kept', async () => {
    const cache = await temporaryCache();
    const peer = new Peer();
    expectWhole((await obtain(peer, cache)).bytes);
    expectWhole((await obtain(peer, cache)).bytes);
    expect(peer.askedFrom).toEqual([0]);
    expect(await readdir(cache.folder)).toEqual([`${hash}.elbods`, `${hash}.elbods.verified`]);
    expectWhole(await readFile(cache.pathOf(hash)));
  });

  it('goes on where it was cut, as long as something comes', async () => {
    const cache = await temporaryCache();
    const peer = new Peer([50_000, 50_000, 50_000, 120_000, 200_000, 250_000]);
    expect((await obtain(peer, cache)).hash).toBe(hash);
    expect(peer.askedFrom).toEqual([0, 50_000, 50_000, 50_000, 120_000, 200_000, 250_000]);
    expectWhole(await readFile(cache.pathOf(hash)));
  });

  it('is given up when tries bring nothing, and the next fetch goes on from what is on disk', async () => {
    const cache = await temporaryCache();
    await expect(obtain(new Peer([120_000]), cache, gone)).rejects.toMatchObject({ code: 'fetched-dataset', hash });
    expect((await stat(cache.partialPathOf(hash))).size).toBe(120_000);
    const peer = new Peer();
    expectWhole((await obtain(peer, cache)).bytes);
    expect(peer.askedFrom).toEqual([120_000]);
    expect(await readdir(cache.folder)).toEqual([`${hash}.elbods`]);
  });

  it('starts over when the part on disk was damaged, or is longer than the whole', async () => {
    for (const left of [Buffer.alloc(100_000, 1), Buffer.alloc(bytes.length + 5, 1), Buffer.alloc(bytes.length, 1)]) {
      const cache = await temporaryCache();
      await obtain(new Peer([10_000]), cache, gone).catch(() => {});
      await writeFile(cache.partialPathOf(hash), left);
      await utimes(cache.partialPathOf(hash), 0, 0);
      const peer = new Peer();
      expectWhole((await obtain(peer, cache)).bytes);
      expect(peer.askedFrom).toEqual([left.length, 0]);
      expectWhole(await readFile(cache.pathOf(hash)));
    }
  });

  it('is refused when the conductor sends other bytes, and nothing of them stays', async () => {
    const cache = await temporaryCache();
    const wrong = Buffer.from(bytes).fill(9, 200_000, 200_001);
    const refused = obtain(new Peer([], wrong), cache);
    await expect(refused).rejects.toThrow(/do not have that SHA-256/);
    expect(await readdir(cache.folder)).toEqual([]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 40])('is refused when it is said to have %d bytes', async (totalBytes) => {
    const source: DatasetSource = async () => ({
      totalBytes,
      chunks: new Peer().source(0).then((x) => x.chunks) as never,
    });
    const { signal } = new AbortController();
    const cache = await temporaryCache();
    await expect(obtainDataset(hash, source, { cache, signal })).rejects.toThrow(/is said to have/);
  });

  it('in the cache that is damaged is thrown away and fetched again', async () => {
    const cache = await temporaryCache();
    await obtain(new Peer(), cache);
    await writeFile(cache.pathOf(hash), Buffer.from(bytes).fill(1, 1000, 1001));
    const warnings: string[] = [];
    expectWhole((await obtain(new Peer(), cache, { onWarning: (text) => warnings.push(text) })).bytes);
    expect(warnings).toEqual([expect.stringMatching(/thrown away and fetched again/)]);
    expectWhole(await readFile(cache.pathOf(hash)));
  });

  it('is fetched once by those who want it at the same time', async () => {
    const cache = await temporaryCache();
    const peer = new Peer([60_000, 150_000]);
    const all = await Promise.all(Array.from({ length: 5 }, () => obtain(peer, cache)));
    for (const each of all) expectWhole(each.bytes);
    expect(peer.askedFrom).toEqual([0, 60_000, 150_000]);
  });

  it('that was left half fetched is gone on with by one of those who want it', async () => {
    for (let i = 0; i < 5; i++) {
      const cache = await temporaryCache();
      await obtain(new Peer([120_000]), cache, gone).catch(() => {});
      const peer = new Peer([200_000]);
      await Promise.all(Array.from({ length: 8 }, () => obtain(peer, cache)));
      expect(peer.askedFrom).toEqual([120_000, 200_000]);
      expect((await readdir(cache.folder)).filter((name) => /part|claim/.test(name))).toEqual([]);
    }
  });

  it('is not waited for when nobody wants it any more', async () => {
    const cache = await temporaryCache();
    const run = new AbortController();
    const never: DatasetSource = async () => ({ totalBytes: bytes.length, chunks: forever(run) });
    const over = new Error('the run is over');
    setTimeout(() => run.abort(over), 20);
    await expect(obtainDataset(hash, never, { cache, signal: run.signal })).rejects.toBe(over);
  });

  it('is used without being kept where the disk cannot take it', async () => {
    const full = new DatasetCache('/dev/full/datasets');
    const small = new DatasetCache(await temporaryFolder(), 1000);
    for (const cache of [full, small]) {
      const warnings: string[] = [];
      const dataset = await obtain(new Peer([50_000]), cache, { onWarning: (text) => warnings.push(text) });
      expectWhole(dataset.bytes);
      expect(warnings).toEqual([expect.stringMatching(/will not be kept on disk/)]);
    }
    expect(await readdir(small.folder)).toEqual([]);
  });
});

async function* forever(run: AbortController): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1000);
  run.signal.throwIfAborted();
  await new Promise((_, reject) => run.signal.addEventListener('abort', () => reject(new Error('cut'))));
}
