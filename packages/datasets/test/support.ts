import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { DatasetCache } from '@elbo/datasets/cache';
import type { RandomSource } from '@elbo/datasets/random-source';
import { encode } from 'fast-png';
import { onTestFinished } from 'vitest';
import { pngChunk } from '../../../tests/support/png-chunk.js';

/** A folder of the test's own, gone when it ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'elbo-datasets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryCache(): Promise<DatasetCache> {
  return new DatasetCache(join(await temporaryFolder(), 'datasets'));
}

/** Writes a file into a folder of the test's own and gives its path. */
export async function sourceFile(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, content);
  return path;
}

export async function sourceFolder(files: Record<string, Uint8Array>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export function idx(shape: readonly number[], values: ArrayLike<number>, type = 0x08): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, type, shape.length]);
  shape.forEach((size, axis) => {
    header.writeUInt32BE(size, 4 + 4 * axis);
  });
  return Buffer.concat([header, Uint8Array.from(values)]);
}

/** As numpy.save writes it, or with a header of the test's making. */
export function npy(
  dict: string | { descr: string; shape: readonly number[] },
  data: Uint8Array | Float32Array | Float64Array,
  version: 1 | 2 | 3 = 1,
): Buffer {
  const tuple = typeof dict === 'string' ? '' : dict.shape.length === 1 ? `${dict.shape[0]},` : dict.shape.join(', ');
  const text =
    typeof dict === 'string' ? dict : `{'descr': '${dict.descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const fixed = version === 1 ? 10 : 12;
  const padded = `${text.padEnd(Math.ceil((fixed + text.length + 1) / 64) * 64 - fixed - 1)}\n`;
  const head = Buffer.alloc(fixed);
  head.write('\x93NUMPY', 0, 'latin1');
  head.set([version, 0], 6);
  if (version === 1) head.writeUInt16LE(padded.length, 8);
  else head.writeUInt32LE(padded.length, 8);
  return Buffer.concat([
    head,
    Buffer.from(padded, 'latin1'),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

export function png(width: number, height: number, channels: 1 | 2 | 3 | 4, pixel: (i: number) => number): Uint8Array {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => pixel(i));
  return encode({ width, height, channels, depth: 8, data });
}

/** A PNG of these header fields, whose rows are given with their filters' bytes: what an encoder would not write. */
export function rawPng(
  [width, height, depth, colourType, interlace = 0]: readonly number[],
  rows: readonly number[],
  ...chunks: readonly (readonly [type: string, data: Uint8Array])[]
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width!, 0);
  header.writeUInt32BE(height!, 4);
  header.set([depth!, colourType!, 0, 0, interlace], 8);
  const all = [['IHDR', header], ...chunks, ['IDAT', deflateSync(Uint8Array.from(rows))], ['IEND', Buffer.alloc(0)]];
  const encoded = (all as [string, Uint8Array][]).map(([type, data]) => pngChunk(type, data));
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...encoded]);
}

/** A keyed source made of a 32-bit mixing hash: every number depends on the whole key and on nothing else. */
export class HashRandom implements RandomSource {
  constructor(readonly seed: number) {}

  fillUniform(...[stream, ...key]: Parameters<RandomSource['fillUniform']>): void {
    const [step, example, sample, out, offset, count] = key;
    const base = [this.seed, stream.length, step, example, sample].reduce(mix, 0x9e3779b9);
    for (let i = 0; i < count; i++) out[offset + i] = (mix(base, i) >>> 8) / 2 ** 24;
  }

  fillNormal(...[stream, ...key]: Parameters<RandomSource['fillNormal']>): void {
    const [step, example, sample, out, offset, count] = key;
    const uniforms = new Float32Array(2 * count);
    this.fillUniform(stream, step, example, sample, uniforms, 0, 2 * count);
    for (let i = 0; i < count; i++) {
      out[offset + i] = Math.sqrt(-2 * Math.log(1 - uniforms[2 * i]!)) * Math.cos(2 * Math.PI * uniforms[2 * i + 1]!);
    }
  }
}

/** The finaliser of MurmurHash3 over a running sum. */
function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x85ebca6b) + 0x165667b1;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
