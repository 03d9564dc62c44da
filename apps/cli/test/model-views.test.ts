import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeExamples } from '@elbo/cli/model/encode';
import { openModel } from '@elbo/cli/model/open-model';
import { reconstructExamples } from '@elbo/cli/model/reconstruct';
import { planeThrough, pointAt, projectOnto } from '@elbo/cli/model/views/plane';
import { ThreadedModelViews } from '@elbo/cli/model/views/threaded-model-views';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { latentPlaneSchema } from '@elbo/protocol/cluster';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TrainedRuns } from './trained-run.js';

let runs: TrainedRuns;
const folders: Record<string, string> = {};
const views = new ThreadedModelViews();
const digits = (latentDim: number, epochs: number) => {
  return ['mnist', '--limit', '2000', '--hidden', '32', '--latent-dim', `${latentDim}`, '--epochs', `${epochs}`];
};
beforeAll(async () => {
  runs = await TrainedRuns.create();
  for (const latentDim of [1, 2]) folders[latentDim] = await runs.train(`d${latentDim}`, ...digits(latentDim, 1));
  for (const epochs of [3, 4, 5]) folders[`5-${epochs}`] = await runs.train(`d5-${epochs}`, ...digits(5, epochs));
  folders.mixture = await runs.train('mixture', 'gaussian-mixture', '--epochs', '1');
}, 120_000);
afterAll(async () => {
  await views.close();
  await runs.remove();
});

const folder = (name: string | number) => folders[name] as string;
const pixels = (png: Uint8Array) => Float32Array.from(decode(png, { checkCrc: true }).data, (level) => level / 255);
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
};
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const productsOf = (a: readonly number[], b: readonly number[]) =>
  meanOf(a.map((value, i) => value * (b[i] as number)));

async function posteriorMeans(name: string | number): Promise<Float32Array> {
  const out = runs.path('means.npy');
  await encodeExamples(await openModel(folder(name)), { out, logVar: false, labels: false });
  return (await readNpyExamples(out)).values as Float32Array;
}

describe('the latent plane', () => {
  it('of two dimensions shows the posterior means themselves, with labels', async () => {
    const plane = latentPlaneSchema.parse(await views.latentPlane(folder(2), 300));
    const means = await posteriorMeans(2);
    expect(
      furthest(
        plane.x,
        Array.from({ length: 300 }, (_, i) => means[2 * i] as number),
      ),
    ).toBeLessThan(1e-5);
    expect(
      furthest(
        plane.y,
        Array.from({ length: 300 }, (_, i) => means[2 * i + 1] as number),
      ),
    ).toBeLessThan(1e-5);
    expect(plane).toMatchObject({ axes: 'coordinates', step: 16, split: 'test', example: plane.x.map((_, i) => i) });
    expect(plane.image).toEqual({ height: 28, width: 28, channels: 1 });
    expect(plane.label?.slice(0, 5)).toEqual([7, 2, 1, 0, 4]);
    expect(plane.explainedVariance[0] + plane.explainedVariance[1]).toBeCloseTo(1, 10);
  });

  it('of one dimension is a line', async () => {
    const plane = await views.latentPlane(folder(1), 50);
    expect(plane.y).toEqual(plane.y.map(() => 0));
    expect(new Set(plane.x).size).toBeGreaterThan(40);
    expect(plane.explainedVariance).toEqual([1, 0]);
  });

  it('of more shows the two principal components, whatever the number of examples that are shown', async () => {
    const plane = await views.latentPlane(folder('5-3'), 5000);
    const { x, y } = plane;
    expect(plane.axes).toBe('principal-components');
    expect(Math.max(Math.abs(meanOf(x)), Math.abs(meanOf(y)))).toBeLessThan(1e-6);
    const [xx, yy, xy] = [productsOf(x, x), productsOf(y, y), productsOf(x, y)];
    expect(Math.abs(xy)).toBeLessThan(1e-6 * xx);
    expect(xx).toBeGreaterThan(yy);
    const first = (await posteriorMeans('5-3')).subarray(0, 5000 * 5);
    const column = (j: number) => Array.from({ length: 5000 }, (_, i) => first[5 * i + j] as number);
    const total = [0, 1, 2, 3, 4]
      .map(column)
      .reduce((sum, each) => sum + productsOf(each, each) - meanOf(each) ** 2, 0);
    expect(plane.explainedVariance[0]).toBeCloseTo(xx / total, 4);
    expect(plane.explainedVariance[1]).toBeCloseTo(yy / total, 4);
    expect((await views.latentPlane(folder('5-3'), 7)).x).toEqual(x.slice(0, 7));
  });

  it('keeps its directions from epoch to epoch', async () => {
    const planes = [];
    for (const epochs of [3, 4, 5]) planes.push(await views.latentPlane(folder(`5-${epochs}`), 2000));
    for (const [before, after] of [planes.slice(0, 2), planes.slice(1)] as (typeof planes)[]) {
      if (!before || !after) throw new Error('three planes');
      expect(productsOf(before.x, after.x)).toBeGreaterThan(0.5 * productsOf(after.x, after.x));
    }
  });

  it('of data that is no picture has no image, and draws none', async () => {
    const plane = await views.latentPlane(folder('mixture'), 10);
    expect(plane.image).toBeNull();
    await expect(views.decode(folder('mixture'), 0, 0)).rejects.toMatchObject({ code: 'no-picture' });
    await expect(views.example(folder('mixture'), 0, 'test')).rejects.toMatchObject({ code: 'no-picture' });
  });

  it('goes back and forth between plane and space', () => {
    const points = Float32Array.from({ length: 300 * 6 }, (_, i) => Math.sin(i * i) * ((i % 6) + 1));
    const plane = planeThrough(points, 6);
    const z = pointAt(plane, 1.5, -2);
    const { x, y } = projectOnto(plane, z);
    expect([x[0], y[0]].map((value) => Math.round((value as number) * 1e5) / 1e5)).toEqual([1.5, -2]);
  });
});

describe('a point of the plane', () => {
  it('decoded at an example’s place is its reconstruction', async () => {
    const plane = await views.latentPlane(folder(2), 3);
    const out = runs.path('reconstructed.npy');
    await reconstructExamples(await openModel(folder(2)), { columns: 10, indices: [2], out });
    const { values } = await readNpyExamples(out);
    const png = await views.decode(folder(2), plane.x[2] as number, plane.y[2] as number);
    expect(decode(png)).toMatchObject({ width: 28, height: 28, channels: 1 });
    expect(furthest(pixels(png), values as Float32Array)).toBeLessThan(0.51 / 255 + 1e-4);
  });

  it('that is none is refused', async () => {
    for (const [x, y] of [
      [Number.NaN, 0],
      [0, 1e300],
    ] as const) {
      await expect(views.decode(folder(2), x, y)).rejects.toMatchObject({ code: 'no-point' });
    }
  });
});

describe('an example', () => {
  it('is shown as it is stored, of each split', async () => {
    const seven = pixels(await views.example(folder(2), 0, 'test'));
    expect(seven.reduce((sum, value) => sum + value, 0)).toBeCloseTo(72.3, 0);
    expect(pixels(await views.example(folder(2), 0, 'train'))).not.toEqual(seven);
  });

  it('that is not there is refused, and so is a split without any', async () => {
    for (const [index, split] of [
      [10_000, 'test'],
      [-1, 'test'],
      [0.5, 'test'],
      [0, 'validation'],
    ] as const) {
      await expect(views.example(folder(2), index, split)).rejects.toMatchObject({ code: 'no-example' });
    }
  });
});

describe('the thread of the views', () => {
  it('notices a model that is newer, and tells of a run that has none', async () => {
    const path = runs.path('live');
    await mkdir(path);
    await expect(views.latentPlane(path, 10)).rejects.toMatchObject({ code: 'no-model' });
    const save = async (from: string) => {
      await cp(join(folder(from), 'model.safetensors'), join(path, 'new'));
      await rename(join(path, 'new'), join(path, 'model.safetensors'));
    };
    await save('5-3');
    const before = await views.latentPlane(path, 10);
    expect(before).toEqual(await views.latentPlane(path, 10));
    await save('5-4');
    const after = await views.latentPlane(path, 10);
    expect([before.step, after.step]).toEqual([48, 64]);
    expect(after.x).not.toEqual(before.x);
    await rm(join(path, 'model.safetensors'));
    await expect(views.decode(path, 0, 0)).rejects.toMatchObject({ code: 'no-model' });
  });

  it('leaves the event loop to its owner', async () => {
    const fresh = new ThreadedModelViews();
    let turns = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    turn();
    await fresh.latentPlane(folder('5-5'), 5000);
    running = false;
    expect(turns).toBeGreaterThan(500);
    await fresh.close();
  });

  it('refuses what it cannot keep waiting, does the rest, and ends when nobody asks', async () => {
    const fresh = new ThreadedModelViews({ idleMs: 100 });
    const asked = Array.from({ length: 100 }, (_, i) => fresh.decode(folder(2), i / 50, 0));
    const answers = await Promise.allSettled(asked);
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
    expect(new Set(refused)).toEqual(new Set(['busy']));
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(64);
    await vi.waitFor(() => expect(fresh.threads).toBe(0), { timeout: 10_000 });
    expect((await fresh.decode(folder(2), 0, 0)).length).toBeGreaterThan(100);
    await fresh.close();
  });
});
