import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeNpy } from '@elbo/cli/formats/npy';
import { openExamples } from '@elbo/cli/model/examples';
import { interpolateExamples } from '@elbo/cli/model/interpolate';
import { pointBetween } from '@elbo/cli/model/latent-path';
import { Network } from '@elbo/cli/model/network';
import { type OpenedModel, openModel } from '@elbo/cli/model/open-model';
import { reconstructExamples } from '@elbo/cli/model/reconstruct';
import { sampleModel } from '@elbo/cli/model/sample';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrainedRuns } from './trained-run.js';

let runs: TrainedRuns;
let digits: OpenedModel;
let linear: OpenedModel;
const tiny = ['--hidden', '16', '--latent-dim', '3', '--epochs', '1'];

beforeAll(async () => {
  runs = await TrainedRuns.create();
  digits = await openModel(await runs.train('digits', 'mnist', '--limit', '600', ...tiny));
  linear = await openModel(await runs.train('linear', 'probabilistic-pca', '--epochs', '1'));
});
afterAll(() => runs.remove());

async function arrayOf(name: string): Promise<Float32Array> {
  return (await readNpyExamples(runs.path(name))).values as Float32Array;
}

describe('sampling', () => {
  it('draws the run folder’s own pictures again, byte for byte', async () => {
    const folder = join(digits.identity.path, '..');
    await sampleModel(digits, { columns: 10, out: runs.path('samples.png') });
    await reconstructExamples(digits, { columns: 10, out: runs.path('reconstructions.png') });
    for (const name of ['samples.png', 'reconstructions.png']) {
      expect((await readFile(runs.path(name))).equals(await readFile(join(folder, name))), name).toBe(true);
    }
  });

  it('gives the same for the same seed, other samples for another, and begins a longer list with a shorter', async () => {
    await sampleModel(digits, { columns: 10, seed: 5, count: 3, out: runs.path('three.npy') });
    await sampleModel(digits, { columns: 10, seed: 5, count: 700, out: runs.path('many.npy') });
    await sampleModel(digits, { columns: 10, seed: 6, count: 3, out: runs.path('other.npy') });
    const [three, many, other] = [await arrayOf('three.npy'), await arrayOf('many.npy'), await arrayOf('other.npy')];
    expect(three.length).toBe(3 * 784);
    // Batches of other sizes round otherwise in the last bits.
    expect(furthest(three, many.subarray(0, three.length))).toBeLessThan(1e-6);
    expect(furthest(three, other)).toBeGreaterThan(0.1);
  });

  it('draws pixels and real numbers from the likelihood where draws are asked for, or the data is no image', async () => {
    const drawn = await sampleModel(digits, { columns: 10, count: 4, values: 'draw', out: runs.path('drawn.npy') });
    expect(drawn.values).toBe('draw');
    expect(new Set(await arrayOf('drawn.npy'))).toEqual(new Set([0, 1]));
    const options = { columns: 10, count: 500, out: runs.path('means.npy') };
    await sampleModel(linear, { ...options, values: 'mean' });
    expect(await sampleModel(linear, { ...options, out: runs.path('draws.npy') })).toMatchObject({ values: 'draw' });
    expect(furthest(await arrayOf('means.npy'), await arrayOf('draws.npy'))).toBeGreaterThan(0.1);
  });

  it('writes an array where a picture makes no sense, and refuses to draw one', async () => {
    const { files } = await sampleModel(linear, { columns: 10, out: `${runs.root}/` });
    expect(files).toMatchObject([{ format: 'npy', path: runs.path(`${linear.label}-samples.npy`) }]);
    await expect(sampleModel(linear, { columns: 10, out: runs.path('x.png') })).rejects.toThrow(/8 numbers.*\.npy/);
    await expect(sampleModel(digits, { columns: 10, out: runs.path('x.txt') })).rejects.toThrow(/must end in \.png/);
    const huge = { columns: 10, count: 100_000 };
    await expect(sampleModel(digits, { ...huge, out: runs.path('x.png') })).rejects.toThrow(/2500/);
    await expect(sampleModel(digits, { ...huge, count: 1e9, out: runs.path('x.npy') })).rejects.toThrow(/too many/);
  });
});

describe('reconstructing', () => {
  it('takes the examples that are named, and gives their numbers as a table', async () => {
    const out = runs.path('chosen.csv');
    await reconstructExamples(linear, { columns: 10, indices: [7, 0], out });
    const [header, first, second, ...rest] = (await readFile(out, 'utf8')).trimEnd().split('\n');
    expect(header).toBe('example,x0,x1,x2,x3,x4,x5,x6,x7');
    expect([first?.split(',')[0], second?.split(',')[0], rest]).toEqual(['7', '0', []]);
    await expect(reconstructExamples(linear, { columns: 10, indices: [2000] })).rejects.toThrow(
      /no example 2000.*2000/,
    );
  });

  it('takes a file in place of the data set: the same numbers, the same reconstructions', async () => {
    const examples = await openExamples(digits, { split: 'test' }, []);
    const x = await Network.with(digits, undefined, async (network) => network.read(examples, { begin: 0, end: 6 }));
    await writeFile(runs.path('x.npy'), Buffer.concat(encodeNpy(x, [6, 784])));
    const outputs = [];
    for (const choice of [{ split: 'test' }, { input: { path: runs.path('x.npy') } }] as const) {
      const out = runs.path('again.npy');
      await reconstructExamples(digits, { ...choice, columns: 10, count: 6, out });
      outputs.push(await readNpyExamples(out));
    }
    expect(outputs[1]).toMatchObject({ count: 6, exampleShape: [28, 28] });
    expect(outputs[0]?.values).toEqual(outputs[1]?.values);
  });
});

describe('interpolating', () => {
  it('begins and ends at the reconstructions of its anchors, a leg for each pair', async () => {
    const anchors = [3, 14, 15];
    await reconstructExamples(digits, { columns: 10, indices: anchors, out: runs.path('ends.npy') });
    for (const way of ['spherical', 'linear'] as const) {
      await interpolateExamples(digits, { anchors, steps: 5, way, out: runs.path('way.npy') });
      const way5 = await readNpyExamples(runs.path('way.npy'));
      expect(way5).toMatchObject({ count: 2, exampleShape: [5, 28, 28] });
      const [values, ends] = [way5.values as Float32Array, await arrayOf('ends.npy')];
      const image = (from: Float32Array, i: number) => from.subarray(i * 784, (i + 1) * 784);
      for (const [point, anchor] of [
        [0, 0],
        [4, 1],
        [5, 1],
        [9, 2],
      ] as const) {
        expect(furthest(image(values, point), image(ends, anchor)), `${way} ${point}`).toBeLessThan(1e-5);
      }
      expect(furthest(image(values, 2), image(ends, 0))).toBeGreaterThan(0.01);
    }
  });

  it('draws a row for each leg, the examples at both ends', async () => {
    const out = runs.path('way.png');
    await interpolateExamples(digits, { anchors: [0, 1, 2], steps: 6, way: 'spherical', out });
    const { width, height } = decode(await readFile(out));
    expect({ columns: Math.floor(width / 88), rows: Math.floor((height - 38 - 48) / 84) }).toEqual({
      columns: 8,
      rows: 2,
    });
    await expect(interpolateExamples(digits, { anchors: [0, 10_000], steps: 6, way: 'linear' })).rejects.toThrow(
      /no example 10000/,
    );
  });

  it('goes along the sphere between points of one length, and straight where there is no angle', () => {
    const [a, b] = [Float32Array.of(3, 0, 0), Float32Array.of(0, 3, 0)];
    for (const t of [0, 0.25, 0.5, 1]) expect(Math.hypot(...pointBetween('spherical', a, b, t))).toBeCloseTo(3, 5);
    expect(pointBetween('spherical', a, b, 0.5)[0]).toBeCloseTo(3 * Math.SQRT1_2, 5);
    expect(pointBetween('linear', a, b, 0.5)).toEqual(Float32Array.of(1.5, 1.5, 0));
    const opposite = Float32Array.of(-3, 0, 0);
    expect(pointBetween('spherical', a, opposite, 0.25)).toEqual(Float32Array.of(1.5, 0, 0));
    expect(pointBetween('spherical', Float32Array.of(0), Float32Array.of(2), 0.5)).toEqual(Float32Array.of(1));
  });
});

function furthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] as number))), 0);
}
