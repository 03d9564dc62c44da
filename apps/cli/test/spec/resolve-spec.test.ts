import { SpecError } from '@elbo/cli/errors';
import { flagName, specFlags } from '@elbo/cli/spec/flags';
import { parseSpec, readSpec } from '@elbo/cli/spec/read-spec';
import { resolveSpec } from '@elbo/cli/spec/resolve-spec';
import { allFieldPaths } from '@elbo/cli/spec/spec-schema';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { describe, expect, it } from 'vitest';

const flags = (typed: Record<string, string>) => new Map(Object.entries(typed));
const fromName = async (name: string, typed: Record<string, string> = {}) =>
  resolveSpec(await readSpec(name), flags(typed));
const fromYaml = (yaml: string, typed: Record<string, string> = {}) =>
  resolveSpec(parseSpec(yaml, 'run.yaml'), flags(typed));

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  throw new Error('the spec was taken');
}

describe('a run spec', () => {
  it('of a data set name is the defaults of the schema, named after the data set', async () => {
    expect(await fromName('mnist')).toEqual(runSpecSchema.parse({ name: 'mnist', dataset: { name: 'mnist' } }));
  });

  it('of real-valued data sets has a Gaussian likelihood, unless it says another', async () => {
    expect((await fromName('gaussian-mixture')).model.likelihood).toEqual({ kind: 'gaussian', variance: 'learned' });
    expect((await fromName('probabilistic-pca')).model.encoder.hidden).toEqual([]);
    expect((await fromName('gaussian-mixture', { '--likelihood': 'bernoulli' })).model.likelihood).toEqual({
      kind: 'bernoulli',
    });
  });

  it('takes every flag, over the file', () => {
    const spec = fromYaml('dataset: { name: mnist }\ntraining: { epochs: 3, learningRate: 0.5 }\nseed: 4', {
      '--name': 'trial',
      '--epochs': '7',
      '--batch-size': '256',
      '--latent-dim': '8',
      '--hidden': '400,200',
      '--activation': 'tanh',
      '--variance': 'learned',
      '--beta': '0.5',
      '--beta-warmup': '100',
      '--samples': '2',
      '--weight-decay': '0.05',
      '--schedule-every': '500',
      '--clip': '5',
      '--pixels': 'dynamic',
      '--validation': '5000',
      '--limit': '1000',
      '--initializer': 'heNormal',
      '--engine': 'wasm',
      '--shards': '4',
      '--microbatch': '16',
      '--warmup': '10',
      '--exact': 'false',
      '--on-non-finite': 'skip',
      '--adam-beta1': '0.8',
      '--adam-beta2': '0.99',
      '--adam-epsilon': '1e-7',
    });
    expect(spec).toEqual({
      version: 1,
      name: 'trial',
      seed: 4,
      engine: 'wasm',
      exact: false,
      dataset: { name: 'mnist', pixels: 'dynamic', validation: 5000, limit: 1000 },
      model: {
        latentDim: 8,
        encoder: { hidden: [400, 200], activation: 'tanh' },
        decoder: { hidden: [200, 400], activation: 'tanh' },
        likelihood: { kind: 'gaussian', variance: 'learned' },
        initializer: 'heNormal',
      },
      objective: { monteCarloSamples: 2, beta: 0.5, betaWarmupSteps: 100 },
      training: {
        epochs: 7,
        globalBatchSize: 256,
        learningRate: 0.5,
        warmupSteps: 10,
        schedule: { kind: 'steps', everySteps: 500, factor: 0.1 },
        optimizer: { kind: 'adamw', beta1: 0.8, beta2: 0.99, epsilon: 1e-7, weightDecay: 0.05 },
        clipGlobalNorm: 5,
        shardsPerStep: 4,
        microbatchSize: 16,
        onNonFinite: 'skip',
      },
    });
  });

  it('with another kind of optimizer keeps nothing of the one in the file', () => {
    const yaml = 'dataset: { name: mnist }\ntraining: { optimizer: { kind: adamw, weightDecay: 0.1 } }';
    expect(fromYaml(yaml, { '--optimizer': 'sgd' }).training.optimizer).toEqual({ kind: 'sgd' });
  });

  it('has the kind that a flag implies, and the optimizer of the file or the default where a flag implies none', async () => {
    const { schedule, optimizer } = (await fromName('mnist', { '--schedule-final': '0.1', '--nesterov': 'true' }))
      .training;
    expect(schedule).toEqual({ kind: 'cosine', finalFactor: 0.1 });
    expect(optimizer).toEqual({ kind: 'momentum', momentum: 0.9, nesterov: true });
    expect((await fromName('mnist', { '--adam-beta1': '0.5' })).training.optimizer).toMatchObject({
      kind: 'adam',
      beta1: 0.5,
    });
    const yaml = 'dataset: { name: mnist }\ntraining: { optimizer: { kind: adamw, weightDecay: 0.1 } }';
    const typed = { '--adam-beta1': '0.5' };
    expect(fromYaml(yaml, typed).training.optimizer).toMatchObject({ kind: 'adamw', beta1: 0.5, weightDecay: 0.1 });
  });

  it('has a flag for every field, and no flag twice', () => {
    const fields = allFieldPaths();
    const leaves = fields.filter((path) => !fields.some((other) => other.startsWith(`${path}.`)));
    const said = specFlags.flatMap((flag) => flag.fields.map((field) => field.path.join('.')));
    // The argument of the command names the data set; there is one version of the spec.
    expect([...new Set([...said, 'dataset.name', 'version'])].sort()).toEqual(leaves.sort());
    const names = specFlags.map(flagName);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a wrong spec', () => {
  it('is refused with the flag, the value and what is allowed', () => {
    const typed = {
      '--epochs': '0',
      '--learning-rate': 'fast',
      '--hidden': '4,x',
      '--likelihood': 'gausian',
      '--variance': '-1',
    };
    expect(problemsOf(() => fromYaml('dataset: { name: mnist }', { ...typed }))).toEqual(
      expect.arrayContaining([
        '--epochs: 0 is not allowed; it must be an integer from 1 to 1000000',
        '--learning-rate: "fast" is not allowed; it must be a number above 0 and at most 100',
        '--hidden: "x" is not allowed; it must be an integer from 1 to 65536',
        '--likelihood: "gausian" is not allowed; it must be one of bernoulli, gaussian',
      ]),
    );
    expect(problemsOf(() => fromYaml('dataset: { name: mnist }', { '--variance': '-1' }))).toEqual([
      '--variance: -1 is not allowed; it must be a number above 0 and at most 1000000, or learned',
    ]);
  });

  it('says which flags do not go together', () => {
    expect(
      problemsOf(() => fromYaml('dataset: { name: mnist }', { '--likelihood': 'bernoulli', '--variance': '2' })),
    ).toEqual(['--variance does not go with model.likelihood.kind "bernoulli" (--likelihood)']);
    expect(problemsOf(() => fromYaml('dataset: { name: mnist }', { '--schedule': 'steps' }))).toEqual([
      'training.schedule.everySteps, or --schedule-every, is missing: it must be an integer from 1 to 1000000000',
    ]);
  });

  it('is refused with the path and the line of the file', () => {
    expect(problemsOf(() => fromYaml('dataset:\n  name: mnist\nmodel:\n  latentDim: 0\n'))).toEqual([
      'model.latentDim (line 4): 0 is not allowed; it must be an integer from 1 to 4096',
    ]);
    expect(problemsOf(() => fromYaml('seed: 1'))).toEqual([expect.stringMatching(/^dataset is missing/)]);
  });

  it.each([
    ['model: { latentdim: 3 }', 'model.latentdim (line 2) is not a field of a run spec; did you mean model.latentDim?'],
    [
      'model: { latent_dims: 3 }',
      'model.latent_dims (line 2) is not a field of a run spec; did you mean model.latentDim?',
    ],
    ['epochs: 3', 'epochs (line 2) is not a field of a run spec; did you mean training.epochs?'],
    [
      'training: { batchSize: 3 }',
      'training.batchSize (line 2) is not a field of a run spec; did you mean training.globalBatchSize?',
    ],
    [
      'training: { optimizer: { kind: sgd, beta1: 0.5 } }',
      'training.optimizer.beta1 (line 2) does not go with training.optimizer.kind "sgd"',
    ],
  ])('names the right field for %s', (line, problem) => {
    expect(problemsOf(() => fromYaml(`dataset: { name: mnist }\n${line}`))).toEqual([problem]);
  });

  it('in broken YAML is refused with its place', () => {
    expect(problemsOf(() => parseSpec('seed: 1\nseed: 2', 'a.yaml'))).toEqual([
      expect.stringMatching(/unique.*line 2/s),
    ]);
    expect(problemsOf(() => parseSpec('seed: [1', 'a.yaml'))).toEqual([
      expect.stringMatching(/^not valid YAML or JSON/),
    ]);
    expect(problemsOf(() => parseSpec('- 1', 'a.yaml'))).toEqual([expect.stringMatching(/is an object/)]);
  });

  it('that would blow up when it is read is refused instead', () => {
    const bomb = [
      'a: &a [1,1,1,1,1,1,1,1,1]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`),
    ];
    expect(problemsOf(() => parseSpec(bomb.join('\n'), 'a.yaml'))).toEqual([expect.stringMatching(/alias/)]);
    expect(problemsOf(() => parseSpec('['.repeat(30_000), 'a.yaml'))).toHaveLength(1);
    expect(problemsOf(() => parseSpec('seed: !!js/function "x"', 'a.yaml'))).toEqual([expect.stringMatching(/tag/)]);
  });
});
