import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRunArtefacts } from '@elbo/cli/launch/run-artefacts';
import { isPictured } from '@elbo/cli/run-folder/epoch-pictures';
import { resolveRun } from '@elbo/coordinator/resolve-run';
import { RunState } from '@elbo/coordinator/run-state';
import { packDataset } from '@elbo/datasets/packed/pack';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { LeaseLostError } from '@elbo/transport/errors';
import fc from 'fast-check';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runElbo, TrainedRuns } from '../trained-run.js';

let runs: TrainedRuns;
beforeAll(async () => {
  runs = await TrainedRuns.create();
});
afterAll(() => runs.remove());

const tiny = ['--hidden', '16', '--latent-dim', '3', '--limit', '600'];

describe('a run that trains', () => {
  it('leaves a picture of each epoch, of the same examples and the same z', async () => {
    const folder = await runs.train('digits', 'mnist', '--epochs', '3', ...tiny);
    const names = (await readdir(join(folder, 'pictures'))).sort();
    expect(names).toEqual([1, 2, 3].flatMap((n) => [`epoch-000${n}-reconstructions.png`, `epoch-000${n}-samples.png`]));
    const read = (name: string) => readFile(join(folder, 'pictures', name));
    const files = await Promise.all(names.map(read));
    for (const file of files) expect(file.length).toBeLessThan(100_000);
    const images = files.map((file) => decode(file, { checkCrc: true }));
    expect(images.map(({ channels }) => channels)).toEqual(images.map(() => 1));
    const of = (kind: string) => images.filter((_, i) => names[i]?.includes(kind));
    for (const kind of ['samples', 'reconstructions']) {
      const [first, second, third] = of(kind).map(({ data }) => Buffer.from(data));
      expect(first?.equals(second as Buffer)).toBe(false);
      expect(second?.equals(third as Buffer)).toBe(false);
    }
    // The first row of the pairs is the data's: 56 rows of pixels.
    const originals = of('reconstructions').map(({ data, width }) => Buffer.from(data.subarray(0, 56 * width)));
    for (const row of originals) expect(row.equals(originals[0] as Buffer)).toBe(true);
    expect(new Set(originals[0]).size).toBeGreaterThan(50);
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('after 3 epochs from 1 to 3');
  });

  it('draws nothing of data that has no look, and says nothing of it', async () => {
    const out = runs.path('runs', 'linear');
    const { code, stdout } = await runElbo(
      ['train', 'probabilistic-pca', '--epochs', '1', '--out', out, '--json'],
      runs.root,
    );
    expect(code).toBe(0);
    expect(stdout).not.toContain('no-picture');
    expect(existsSync(join(out, 'pictures'))).toBe(false);
  });
});

const spec = runSpecSchema.parse({
  dataset: { name: 'tiny' },
  model: { latentDim: 2, encoder: { hidden: [3] }, decoder: { hidden: [3] } },
  training: { globalBatchSize: 8 },
});
const split = (count: number) => {
  const values = Float32Array.from({ length: count * 20 }, (_, i) => (1 + Math.sin(i)) / 2);
  return { source: 'tiny', count, exampleShape: [5, 4], values, labels: null, labelNames: null };
};
const dataset = packDataset({ name: 'tiny', scale: 1 }, split(32), split(6));
const run = resolveRun('tiny-1', spec, {
  hash: dataset.hash,
  dataDim: 20,
  examples: { train: 32, validation: 0, test: 6 },
});
const state = RunState.create(run, 0);

async function pictures(path: string): Promise<number[]> {
  const names = await readdir(join(path, 'pictures'));
  expect(names.every((name) => /^epoch-\d{4}-(samples|reconstructions)\.png$/.test(name))).toBe(true);
  return [...new Set(names.map((name) => Number(name.slice(6, 10))))].sort((a, b) => a - b);
}

describe('the pictures of a run’s epochs', () => {
  it('of epochs that a run goes back behind are removed, and what a dead process left too', async () => {
    const path = runs.path('back');
    const open = () => openRunArtefacts(run, { kind: 'kept', path }, async () => {});
    const first = await open();
    await first.continueAfter(0, true);
    for (const epoch of [1, 2, 3]) expect(await first.drawEpoch(epoch, state, dataset)).toBeNull();
    await writeFile(join(path, 'pictures', 'epoch-0001-samples.png.0a1b2c3d.tmp'), '');
    await first.close('stopped');
    // Steps 4, 8 and 12 end the epochs. Of the epoch that ends with the step, the report may be due still.
    for (const [step, reported, left] of [
      [12, true, [1, 2, 3]],
      [12, false, [1, 2]],
      [9, true, [1, 2]],
      [7, true, [1]],
      [4, false, []],
    ] as const) {
      const again = await open();
      await again.continueAfter(step, reported);
      await again.close('stopped');
      expect(await pictures(path), `step ${step}`).toEqual(left);
    }
  });

  it('are not written by a conductor whose folder is another’s now', async () => {
    const path = runs.path('deposed');
    const open = () => openRunArtefacts(run, { kind: 'kept', path }, async () => {});
    const first = await open();
    await first.continueAfter(0, true);
    const second = await open();
    await second.continueAfter(0, true);
    await expect(first.drawEpoch(1, state, dataset)).rejects.toMatchObject({ code: 'FOLDER_CLAIMED' });
    expect(await pictures(path)).toEqual([]);
    expect(await second.drawEpoch(1, state, dataset)).toBeNull();
    expect(await pictures(path)).toEqual([1]);
    for (const each of [first, second]) await each.close('deposed');
  });

  it('that cannot be written are told of, and no reason to stop', async () => {
    const path = runs.path('blocked');
    const artefacts = await openRunArtefacts(run, { kind: 'kept', path }, async () => {});
    await artefacts.continueAfter(0, true);
    await writeFile(join(path, 'pictures'), 'in the way');
    expect(await artefacts.drawEpoch(1, state, dataset)).toMatch(/pictures could not be written/);
    await rm(join(path, 'pictures'));
    await mkdir(join(path, 'pictures'));
    expect(await artefacts.drawEpoch(2, state, dataset)).toBeNull();
    await artefacts.close('stopped');
  });

  it('do not wait for the lease: its loss shows elsewhere', async () => {
    const path = runs.path('lease');
    const lost = async () => Promise.reject(new LeaseLostError(run.runId, 1, 2));
    let fence = async () => {};
    const artefacts = await openRunArtefacts(run, { kind: 'kept', path }, () => fence());
    await artefacts.continueAfter(0, true);
    fence = lost;
    expect(await artefacts.drawEpoch(1, state, dataset)).toBeNull();
    await artefacts.close('deposed');
  });

  it('are of the first and the last epoch, fifty at most, and of every one of a short run', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (epochs) => {
        const drawn = Array.from({ length: epochs }, (_, i) => i + 1).filter((epoch) => isPictured(epoch, epochs));
        expect(drawn[0]).toBe(1);
        expect(drawn.at(-1)).toBe(epochs);
        expect(drawn.length).toBeLessThanOrEqual(50);
        expect(drawn.length).toBeGreaterThanOrEqual(Math.min(epochs, 25));
      }),
      { numRuns: 20 },
    );
  });
});
