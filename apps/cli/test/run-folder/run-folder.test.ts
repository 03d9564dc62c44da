import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolderError } from '@elbo/cli/errors';
import { writeEpochPictures } from '@elbo/cli/run-folder/epoch-pictures';
import { readModelFile } from '@elbo/cli/run-folder/model-file';
import { RunFolder } from '@elbo/cli/run-folder/run-folder';
import { type PictureSize, RunPainter } from '@elbo/cli/run-folder/run-pictures';
import { temporaryName, writeFileAtomically } from '@elbo/cli/run-folder/write-file-atomically';
import { readSpec } from '@elbo/cli/spec/read-spec';
import { resolveSpec } from '@elbo/cli/spec/resolve-spec';
import { packDataset } from '@elbo/datasets/packed/pack';
import { runEventSchema } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel } from '@elbo/vae-core/models/model';
import { decode } from 'fast-png';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordedRun, sha256 } from '../recorded-run.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'elbo-folder-'));
});
afterEach(() => rm(root, { recursive: true }));

const spec = runSpecSchema.parse({
  name: 'tiny',
  dataset: { name: 'mnist', validation: 3 },
  model: { latentDim: 2, encoder: { hidden: [4] }, decoder: { hidden: [4] } },
  training: { optimizer: { kind: 'momentum' }, clipGlobalNorm: null, shardsPerStep: 2, microbatchSize: 64 },
});
const runId = 'tiny-00c0ffee';

/** A data set of examples of a shape, and a model of it that was never trained. */
function modelOf(exampleShape: number[], likelihood: 'bernoulli' | 'gaussian') {
  const dataDim = exampleShape.reduce((product, size) => product * size, 1);
  const examples = (count: number) => {
    const values = Float32Array.from({ length: count * dataDim }, (_, i) => (1 + Math.sin(i)) / 2);
    return { source: 'tiny', count, exampleShape, values, labels: null, labelNames: null };
  };
  const tiny = {
    ...spec,
    model: {
      ...spec.model,
      likelihood: runSpecSchema.shape.model.parse({ likelihood: { kind: likelihood } }).likelihood,
    },
  };
  const model = createModel(tiny.model, dataDim);
  const dataset = packDataset({ name: 'tiny', scale: 1 }, examples(20), examples(12));
  return { spec: tiny, model, parameters: initializeParameters(model, 1), dataset };
}

async function draw({ parameters, ...run }: ReturnType<typeof modelOf>, size: PictureSize = 'full') {
  const painter = new RunPainter(run);
  try {
    return await painter.draw(parameters, size);
  } finally {
    await painter.close();
  }
}

async function leaveRun(out: string) {
  const trained = modelOf([6, 5], 'bernoulli');
  const folder = await RunFolder.create({ spec, runId, out });
  for (const event of recordedRun.slice(0, -1)) folder.handle(event);
  await folder.saveModel(trained.parameters, trained.model.layout, 100);
  for (const epoch of [1, 2]) await writeEpochPictures(out, epoch, await draw(trained, 'small'), async () => {});
  await folder.savePictures(await draw(trained));
  for (const event of recordedRun.slice(-1)) folder.handle(event);
  await folder.finish();
  return { folder, trained };
}

describe('a run folder', () => {
  it('holds everything that a run leaves, and nothing else', async () => {
    const { folder, trained } = await leaveRun(join(root, 'a', 'run'));
    expect((await readdir(folder.path)).sort()).toEqual([
      'README.md',
      'curves.png',
      'metrics.ndjson',
      'model.safetensors',
      'pictures',
      'reconstructions.png',
      'samples.png',
      'spec.yaml',
    ]);
    const metrics = (await readFile(join(folder.path, 'metrics.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(metrics.map((line) => runEventSchema.parse(JSON.parse(line)))).toEqual(recordedRun);
    expect((await readModelFile(join(folder.path, 'model.safetensors'))).parameters).toEqual(trained.parameters);
  });

  it('has a spec that reads back as the spec of the run, with no default left out', async () => {
    const { folder } = await leaveRun(join(root, 'run'));
    const path = join(folder.path, 'spec.yaml');
    expect(resolveSpec(await readSpec(path), new Map())).toEqual(spec);
    const written = (await readSpec(path)).input;
    expect(written).toEqual(spec);
  });

  it('has a README with the result, every file, and the command to run it again', async () => {
    const { folder } = await leaveRun(join(root, 'run'));
    const readme = await readFile(join(folder.path, 'README.md'), 'utf8');
    for (const name of await readdir(folder.path)) if (name !== 'README.md') expect(readme).toContain(`| ${name}`);
    expect(readme).toContain('| pictures/epoch-*.png | samples and reconstructions after 2 epochs from 1 to 2');
    expect(readme).toContain('| 2 | −60.00 | −55.00 | −45.00 | 10.00 | 2 of 3 |');
    expect(readme).toContain('elbo train spec.yaml');
    expect(readme).toContain(sha256);
  });

  it('has pictures that decode, none of one colour', async () => {
    const { folder } = await leaveRun(join(root, 'run'));
    for (const name of ['curves', 'samples', 'reconstructions']) {
      const png = decode(await readFile(join(folder.path, `${name}.png`)), { checkCrc: true });
      expect(png.width).toBeGreaterThan(400);
      expect(png.channels).toBe(3);
      expect(new Set(png.data).size).toBeGreaterThan(50);
    }
  });

  it('of a run that failed before its first step says so', async () => {
    const folder = await RunFolder.create({ spec, runId, out: join(root, 'run') });
    folder.handle({ event: 'run-failed', runId, time: 1, code: 'NO_DATA', message: 'the data set is gone' });
    await folder.finish();
    const readme = await readFile(join(folder.path, 'README.md'), 'utf8');
    expect(readme).toContain('it failed (NO_DATA): the data set is gone');
    expect(readme).toContain('| model.safetensors | not there');
    expect(await readFile(join(folder.path, 'metrics.ndjson'), 'utf8')).toContain('NO_DATA');
  });

  it('is never laid over another one', async () => {
    await leaveRun(join(root, 'run'));
    const again = RunFolder.create({ spec, runId, out: join(root, 'run') });
    await expect(again).rejects.toMatchObject({ code: 'folder-in-use', path: join(root, 'run') });
  });

  it('that cannot be made is named, with what to do', async () => {
    await writeFile(join(root, 'file'), '');
    const made = RunFolder.create({ spec, runId, out: join(root, 'file', 'run') });
    await expect(made).rejects.toThrow(RunFolderError);
    await expect(made).rejects.toThrow(/file.run could not be written .*--out/);
  });
});

describe('a file of a run folder', () => {
  it('keeps its old content when the new cannot be written', async () => {
    const path = join(root, 'model.safetensors');
    await writeFileAtomically(path, 'the last good one');
    // The temporary file cannot be made: a folder has its name.
    await mkdir(temporaryName(path));
    await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({ code: 'folder-not-written', path });
    expect(await readFile(path, 'utf8')).toBe('the last good one');
  });

  it('is at every moment the old content or the new, whole', async () => {
    const path = join(root, 'file');
    const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await writeFileAtomically(path, contents[0] as string);
    let writing = true;
    const reads = (async () => {
      const seen = new Set<string>();
      while (writing) seen.add(await readFile(path, 'utf8'));
      return seen;
    })();
    for (let i = 0; i < 20; i++) await writeFileAtomically(path, contents[i % 2] as string);
    writing = false;
    for (const content of await reads) expect(contents).toContain(content);
    expect(await readdir(root)).toEqual(['file']);
  });
});

describe('the pictures of a run', () => {
  it('are the same bits for the same model', async () => {
    const model = modelOf([6, 5], 'bernoulli');
    expect(await draw(model)).toEqual(await draw(model));
  });

  it('show images in colour where they are', async () => {
    const { samples } = await draw(modelOf([4, 4, 3], 'bernoulli'));
    const { data } = decode('png' in samples ? samples.png : new Uint8Array());
    expect(data.some((value, i) => i % 3 === 0 && value !== data[i + 1])).toBe(true);
  });

  it('of data in the plane are clouds of points', async () => {
    const { samples, reconstructions } = await draw(modelOf([2], 'gaussian'));
    for (const picture of [samples, reconstructions]) expect(picture).toHaveProperty('png');
  });

  it('of other data are left out, with the reason', async () => {
    const { samples, reconstructions } = await draw(modelOf([8], 'gaussian'));
    expect(samples).toEqual({ skipped: 'an example is 8 numbers, neither an image nor a point in the plane' });
    expect(reconstructions).toEqual(samples);
  });
});
