import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { encodeNpy } from '@elbo/cli/formats/npy';
import { encodeExamples } from '@elbo/cli/model/encode';
import { openExamples } from '@elbo/cli/model/examples';
import { exportModel } from '@elbo/cli/model/export';
import { Network } from '@elbo/cli/model/network';
import { type OpenedModel, openModel } from '@elbo/cli/model/open-model';
import { readModelFile, writeModelFile } from '@elbo/cli/run-folder/model-file';
import { readCsvExamples } from '@elbo/datasets/importers/csv';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { modelResultSchema } from '@elbo/protocol/model-results';
import type * as Ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonWith, runPython } from '../../../tests/support/python.js';
import { runElbo, TrainedRuns } from './trained-run.js';

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
const python = pythonWith('numpy', 'safetensors');
const name = 'mix-0a1b2c3d';
let runs: TrainedRuns;
let folder = '';
let opened: OpenedModel;

beforeAll(async () => {
  runs = await TrainedRuns.create();
  folder = await runs.train(name, 'gaussian-mixture', '--limit', '1000', '--hidden', '8', '--epochs', '1');
  opened = await openModel(folder);
});
afterAll(() => runs.remove());

describe('elbo with a trained model', () => {
  it('prints one JSON object that holds to the schema, and finds the run by its name', async () => {
    const commands = [
      ['sample', 'mix', '--count', '5', '--out', 'a.npy'],
      ['reconstruct', name, '--examples', '1,2', '--out', 'a.csv'],
      ['interpolate', 'mix', '--from', '3', '--to', '4'],
      ['encode', 'mix', '--labels', '--log-var'],
      ['score', 'mix', '--lowest', '2'],
      ['evaluate', join('runs', name), '--importance-samples', '2'],
      ['export', join('runs', name, 'model.safetensors'), '--format', 'tfjs'],
    ];
    const ended = await Promise.all(commands.map((command) => runElbo([...command, '--json'], runs.root)));
    for (const [i, { code, stdout, stderr }] of ended.entries()) {
      expect({ code, stderr }, commands[i]?.[0]).toEqual({ code: 0, stderr: '' });
      const result = modelResultSchema.parse(JSON.parse(stdout));
      expect(result.model).toEqual(opened.identity);
      for (const { path } of result.files) expect((await stat(path)).size).toBeGreaterThan(0);
    }
    expect((await readdir(runs.root)).filter((file) => file.startsWith('mix') || file.startsWith('gaussian'))).toEqual(
      [
        'encoded-test-labels.npy',
        'encoded-test-log-var.npy',
        'encoded-test.npy',
        'interpolation.png',
        'scores-test.csv',
        'tfjs',
      ]
        .map((file) => `${opened.label}-${file}`)
        .sort(),
    );
  });

  it('says in words what came out, and where it is', async () => {
    const { code, stdout } = await runElbo(['evaluate', 'mix'], runs.root);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ at step 8, 2,000 test examples of gaussian-mixture; nats for each example, M = 1/);
    expect(stdout).toMatch(/^active units +\d of 2/m);
    const score = await runElbo(['score', 'mix', '--out', 'scores.csv'], runs.root);
    expect(score.stdout).toContain(`scores: ${runs.path('scores.csv')}\n`);
  });

  it.concurrent.each<[string, string[], RegExp]>([
    ['a model that is none', ['sample', 'mnist'], /no model 'mnist'.*under runs\/: mix-0a1b2c3d/],
    ['a folder without a model', ['sample', 'runs'], /is not the folder of a run/],
    ['an ending that is no format', ['sample', 'mix', '--out', 'a.jpg'], /\.png or \.npy or \.csv/],
    ['a file and a split', ['score', 'mix', '--input', 'a.npy', '--split', 'test'], /exclude each other/],
    ['a file that is not there', ['score', 'mix', '--input', 'a.idx'], /no file a\.idx/],
    ['a flag for a file without one', ['encode', 'mix', '--header'], /--header says how to read --input/],
    ['a list that is none', ['reconstruct', 'mix', '--examples', '1-5'], /3,14,15/],
    ['one anchor', ['interpolate', 'mix', '--anchors', '1'], /two examples or more/],
    ['a format that is none', ['export', 'mix', '--format', 'pickle'], /onnx, safetensors, tfjs/],
  ])('ends with 2 and says why for %s', async (_name, args, message) => {
    const { code, stdout, stderr } = await runElbo(args, runs.root);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('opening a model and its data', () => {
  it('warns of another data set than the model’s own', async () => {
    const copy = runs.path('changed');
    await cp(folder, copy, { recursive: true });
    const runFile = JSON.parse(await readFile(join(copy, 'run.json'), 'utf8'));
    await writeFile(join(copy, 'run.json'), JSON.stringify({ ...runFile, datasetSha256: 'a'.repeat(64) }));
    const { code, stderr } = await runElbo(['evaluate', copy], runs.root);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: the data set gaussian-mixture is not the one that the model was trained on/);
  });

  it('refuses a model file that was cut off, and parameters that are not finite', async () => {
    const bytes = await readFile(opened.identity.path);
    await writeFile(runs.path('cut.safetensors'), bytes.subarray(0, bytes.length - 8));
    await expect(openModel(runs.path('cut.safetensors'))).rejects.toMatchObject({ code: 'bad-safetensors' });
    const saved = await readModelFile(opened.identity.path);
    await writeModelFile(runs.path('nan.safetensors'), { ...saved, parameters: saved.parameters.fill(Number.NaN) });
    await expect(openModel(runs.path('nan.safetensors'))).rejects.toMatchObject({ code: 'not-finite' });
  });

  it('asks which model is meant when two runs have that name', async () => {
    await mkdir(runs.path('two', 'runs'), { recursive: true });
    for (const each of ['mix-00000001', 'mix-00000002'])
      await cp(folder, runs.path('two', 'runs', each), { recursive: true });
    const { code, stderr } = await runElbo(['sample', 'mix'], runs.path('two'));
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('mix-00000001 or mix-00000002'),
    });
  });

  it('says what fits when examples from a file do not', async () => {
    await writeFile(runs.path('wide.npy'), Buffer.concat(encodeNpy(new Float32Array(12), [4, 3])));
    await expect(encodeExamples(opened, { input: { path: runs.path('wide.npy') }, ...plain })).rejects.toThrow(
      /an example in it is 3 numbers, and the model takes 2 numbers \(it was trained on gaussian-mixture\)/,
    );
  });
});

const plain = { logVar: false, labels: false };

describe('encoding', () => {
  it('writes the same as NPY and as CSV', async () => {
    const options = { logVar: true, labels: true };
    const arrays = await encodeExamples(opened, { ...options, out: runs.path('z.npy') });
    await encodeExamples(opened, { ...options, out: runs.path('z.csv') });
    expect(arrays.files.map(({ content }) => content)).toEqual(['posteriorMean', 'posteriorLogVar', 'labels']);
    const [mean, logVar, labels] = await Promise.all(arrays.files.map(({ path }) => readNpyExamples(path)));
    const table = await readCsvExamples(runs.path('z.csv'), { header: true, labelColumn: 'label', delimiter: ',' });
    expect(table.labels).toEqual(labels?.values);
    const row = (i: number) => [
      ...(mean?.values.subarray(2 * i, 2 * i + 2) ?? []),
      ...(logVar?.values.subarray(2 * i, 2 * i + 2) ?? []),
    ];
    for (const i of [0, 1, 1999]) expect([...table.values.subarray(4 * i, 4 * i + 4)]).toEqual(row(i));
  });

  it('takes examples from a CSV file', async () => {
    const examples = await openExamples(opened, {}, []);
    const x = await Network.with(opened, undefined, async (network) => network.read(examples, { begin: 0, end: 3 }));
    const lines = [0, 1, 2].map((i) => `${x[2 * i]},${x[2 * i + 1]},${i}`);
    await writeFile(runs.path('three.csv'), `a,b,kind\n${lines.join('\n')}\n`);
    const input = { path: runs.path('three.csv'), header: true, labelColumn: 'kind' };
    const { examples: found } = await encodeExamples(opened, { input, ...plain, out: runs.path('three.npy') });
    expect(found).toEqual({ source: input.path, split: null, count: 3 });
    await encodeExamples(opened, { ...plain, out: runs.path('all.npy') });
    const [three, all] = [await readNpyExamples(runs.path('three.npy')), await readNpyExamples(runs.path('all.npy'))];
    for (const [i, value] of three.values.entries()) expect(value).toBeCloseTo(all.values[i] as number, 5);
  });
});

describe('exporting', () => {
  it('writes an ONNX encoder that gives what `elbo encode` gives', async () => {
    const { files } = await exportModel(opened, { format: 'onnx', out: runs.path('onnx') });
    expect(files.map(({ path }) => path)).toEqual([
      runs.path('onnx', 'encoder.onnx'),
      runs.path('onnx', 'decoder.onnx'),
    ]);
    const session = await ort.InferenceSession.create(runs.path('onnx', 'encoder.onnx'));
    const examples = await openExamples(opened, {}, []);
    const { x, posteriorMean } = await Network.with(opened, undefined, async (network) => ({
      x: network.read(examples, { begin: 0, end: 7 }),
      posteriorMean: (await network.encodeAll(examples)).posteriorMean.subarray(0, 14),
    }));
    const found = await session.run({ x: new ort.Tensor('float32', x, [7, 2]) });
    const { data } = found.posteriorMean as Ort.Tensor;
    for (const [i, value] of posteriorMean.entries()) expect(data[i]).toBeCloseTo(value, 5);
  });

  it('writes TensorFlow.js files with all the weights that model.json tells of', async () => {
    await exportModel(opened, { format: 'tfjs', out: runs.path('web') });
    for (const network of ['encoder', 'decoder']) {
      const manifest = JSON.parse(await readFile(runs.path('web', network, 'model.json'), 'utf8'));
      expect(manifest.userDefinedMetadata).toMatchObject({ dataset: 'gaussian-mixture', latentDim: '2', step: '8' });
      const [{ paths, weights }] = manifest.weightsManifest;
      const values = weights.reduce(
        (sum: number, { shape }: { shape: number[] }) => sum + shape.reduce((n, size) => n * size, 1),
        0,
      );
      expect((await stat(runs.path('web', network, paths[0]))).size).toBe(4 * values);
    }
  });

  it('refuses to write a model over itself', async () => {
    await expect(exportModel(opened, { format: 'safetensors', out: opened.identity.path })).rejects.toThrow(/itself/);
  });

  it.skipIf(python === null)('writes safetensors that the Python library reads', async () => {
    const out = runs.path('model-copy.safetensors');
    await exportModel(opened, { format: 'safetensors', out });
    const program = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    print(json.dumps({
        'step': file.metadata()['step'],
        'shapes': {name: list(tensor.shape) for name, tensor in tensors.items()},
        'bias': tensors['decoder.likelihoodMean.bias'].tolist(),
    }))`;
    const { entries } = opened.model.layout;
    const bias = entries.find((entry) => entry.name === 'decoder.likelihoodMean.bias');
    expect(runPython(python as string, program, out)).toEqual({
      step: '8',
      shapes: Object.fromEntries(entries.map((entry) => [entry.name, entry.shape])),
      bias: [...opened.parameters.subarray(bias?.offset, (bias?.offset ?? 0) + 2)],
    });
  });
});
