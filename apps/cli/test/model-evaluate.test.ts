import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluateModel } from '@elbo/cli/model/evaluate';
import { openExamples } from '@elbo/cli/model/examples';
import { importanceWeightedBounds } from '@elbo/cli/model/importance-weighted';
import { Network } from '@elbo/cli/model/network';
import { type OpenedModel, openModel } from '@elbo/cli/model/open-model';
import { scoreExamples } from '@elbo/cli/model/score';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import { type EpochEvent, runEventSchema } from '@elbo/protocol/events';
import { ProbabilisticPca } from '@elbo/vae-core/latent/probabilistic-pca';
import { parameterView } from '@elbo/vae-core/parameter-layout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrainedRuns } from './trained-run.js';

let runs: TrainedRuns;
let linear: OpenedModel;
let digits: OpenedModel;

beforeAll(async () => {
  runs = await TrainedRuns.create();
  const variance = '0.25';
  const linearFlags = ['--variance', variance, '--samples', '3', '--validation', '500', '--epochs', '2'];
  linear = await openModel(await runs.train('linear', 'probabilistic-pca', ...linearFlags));
  const digitFlags = ['--pixels', 'dynamic', '--limit', '600', '--hidden', '16', '--latent-dim', '4', '--epochs', '2'];
  digits = await openModel(await runs.train('digits', 'mnist', ...digitFlags));
});
afterAll(() => runs.remove());

async function lastEpoch({ identity }: OpenedModel): Promise<EpochEvent> {
  const lines = (await readFile(join(identity.path, '..', 'metrics.ndjson'), 'utf8')).trimEnd().split('\n');
  const events = lines.map((line) => runEventSchema.parse(JSON.parse(line)));
  return events.findLast((event) => event.event === 'epoch') as EpochEvent;
}

describe('evaluating a model', () => {
  it('gives the figures of the run’s last epoch, bit for bit: the same cut, noise and order of summing', async () => {
    for (const opened of [linear, digits]) {
      const epoch = await lastEpoch(opened);
      const { elbo, reconstructionLogProb, klDivergence, klPerDimension } = await evaluateModel(opened, {});
      expect({ elbo, reconstructionLogProb, klDivergence }).toEqual(epoch.test);
      expect(klPerDimension).toEqual(epoch.klPerDimension);
    }
    const { elbo } = await evaluateModel(linear, { split: 'validation' });
    expect(elbo).toBe((await lastEpoch(linear)).validation?.elbo);
  });

  it('changes a little with more samples, and agrees between engines', async () => {
    const once = await evaluateModel(linear, { samples: 1 });
    const often = await evaluateModel(linear, { samples: 20 });
    const byCpu = await evaluateModel(linear, { samples: 20, engine: 'cpu' });
    expect(once.elbo).not.toBe(often.elbo);
    expect(Math.abs(once.elbo - often.elbo)).toBeLessThan(0.1);
    expect(byCpu).toMatchObject({ engine: 'cpu', monteCarloSamples: 20 });
    expect(Math.abs(byCpu.elbo - often.elbo)).toBeLessThan(1e-4);
  });

  it('computes many samples some at a time as it does all at once', async () => {
    // 21 samples of a batch of MNIST are in memory together: 40 take two turns.
    const inTurns = await evaluateModel(digits, { split: 'train', samples: 40 });
    const asTrained = { ...digits.spec, objective: { ...digits.spec.objective, monteCarloSamples: 40 } };
    const atOnce = await evaluateModel({ ...digits, spec: asTrained }, { split: 'train', samples: 40 });
    expect(Math.abs(inTurns.elbo - atOnce.elbo)).toBeLessThan(1e-4);
  });

  it('refuses a split without examples, and says which there are', async () => {
    await expect(evaluateModel(digits, { split: 'validation' })).rejects.toThrow(/kept no examples.*train and test/);
  });
});

describe('the importance-weighted bound', () => {
  it('rises from the ELBO to ln p(x), which a linear model knows in closed form', async () => {
    const { spec, model, parameters } = linear;
    const view = (name: string) => {
      const entry = model.layout.entries.find((each) => each.name === name);
      return entry ? parameterView(parameters, entry) : new Float32Array();
    };
    const exact = new ProbabilisticPca({
      latentDim: model.latentDim,
      dataDim: model.dataDim,
      weight: view('decoder.likelihoodMean.weight'),
      bias: view('decoder.likelihoodMean.bias'),
      variance: spec.model.likelihood.kind === 'gaussian' ? Number(spec.model.likelihood.variance) : Number.NaN,
    });
    const examples = await openExamples(linear, { split: 'validation' }, []);
    const [logProb, ...bounds] = await Network.with(linear, undefined, async (network) => {
      const x = network.read(examples, { begin: 0, end: examples.count });
      const logProbs = Array.from({ length: examples.count }, (_, i) =>
        exact.logProb(x.subarray(i * model.dataDim, (i + 1) * model.dataDim)),
      );
      const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
      const boundWith = async (k: number) => mean(await importanceWeightedBounds(network, examples, k));
      return [mean(logProbs), await boundWith(1), await boundWith(10), await boundWith(300)];
    });
    const { elbo } = await evaluateModel(linear, { split: 'validation', samples: 300 });
    const [one, ten, many] = bounds as [number, number, number];
    // One sample each: its spread over 500 examples is a tenth of a nat and more.
    expect(Math.abs(one - elbo)).toBeLessThan(0.4);
    expect(elbo).toBeLessThan(ten);
    expect(ten).toBeLessThan(many);
    expect(Math.abs(many - (logProb as number))).toBeLessThan(0.03);
  });

  it('is a part of the evaluation where it is asked for', async () => {
    const parts: number[] = [];
    const options = {
      split: 'validation',
      importanceSamples: 2,
      onProgress: (part: number) => parts.push(part),
    } as const;
    expect((await evaluateModel(linear, options)).importanceWeighted).toMatchObject({ samples: 2 });
    expect((await evaluateModel(linear, { split: 'validation' })).importanceWeighted).toBeNull();
    expect(parts.at(-1)).toBe(1);
  });
});

describe('scoring examples', () => {
  it('writes terms whose means are those of the evaluation, and names the lowest', async () => {
    const csv = runs.path('scores.csv');
    const result = await scoreExamples(digits, { lowest: 3, out: csv });
    const { elbo, reconstructionLogProb, klDivergence } = await evaluateModel(digits, {});
    expect(result.mean).toEqual({ elbo, reconstructionLogProb, klDivergence });
    const [header, ...lines] = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    expect(header).toBe('example,elbo,reconstructionLogProb,klDivergence,label');
    const rows = lines.map((line) => line.split(',').map(Number));
    expect(rows.map(([example]) => example)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(rows.reduce((sum, row) => sum + (row[1] as number), 0) / rows.length).toBeCloseTo(elbo, 3);
    const lowest = rows.toSorted((a, b) => (a[1] as number) - (b[1] as number)).slice(0, 3);
    expect(result.lowest.map(({ example, label }) => [example, label])).toEqual(lowest.map((row) => [row[0], row[4]]));
  });

  it('writes the same as an array, the same each time', async () => {
    const tables = [];
    for (const name of ['one.npy', 'two.npy']) {
      await scoreExamples(linear, { lowest: 0, samples: 2, out: runs.path(name) });
      tables.push(await readNpyExamples(runs.path(name)));
    }
    const [one, two] = tables;
    expect(one).toMatchObject({ count: 2000, exampleShape: [3] });
    expect(one?.values).toEqual(two?.values);
    const [elbo, reconstruction, kl] = [...(one?.values ?? [])];
    expect(elbo).toBeCloseTo((reconstruction as number) - (kl as number), 4);
  });
});
