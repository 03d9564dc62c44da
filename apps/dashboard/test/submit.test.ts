import { runSpecSchema } from '@elbo/protocol/run-spec';
import { describe, expect, it } from 'vitest';
import { changed, type Field, fieldGroups, withDataset, written } from '../src/submit/fields.js';
import { readList, readNumber, readSpec, valueAt, withValue, writeSpec } from '../src/submit/spec-text.js';

const spec = runSpecSchema.parse({ dataset: { name: 'mnist' } });
const json = readSpec(writeSpec(spec)).json;
const fieldOf = (path: string): Field => {
  const found = fieldGroups.flatMap(({ fields }) => fields).find((field) => field.path === path);
  if (!found) throw new Error(`no field ${path}`);
  return found;
};

describe('the text of a spec', () => {
  it('is read back as the spec', () => {
    expect(readSpec(writeSpec(spec))).toMatchObject({ spec, problems: [] });
  });

  it('names each problem with its place', () => {
    const { spec: none, problems } = readSpec('{"dataset":{"name":"mnist"},"training":{"epochs":0},"colour":1}');
    expect(none).toBeNull();
    expect(problems.some((problem) => problem.startsWith('training.epochs: '))).toBe(true);
    expect(problems.some((problem) => problem.includes('colour'))).toBe(true);
  });

  it('says what a number must be in words', () => {
    const problemsOf = (training: unknown) =>
      readSpec(JSON.stringify({ dataset: { name: 'mnist' }, training })).problems;
    expect(problemsOf({ epochs: null })).toEqual(['training.epochs: must be a number']);
    expect(problemsOf({ epochs: 1.5 })).toEqual(['training.epochs: must be a whole number']);
    expect(problemsOf({ epochs: 0 })).toEqual(['training.epochs: must be at least 1']);
    expect(problemsOf({ learningRate: 0 })).toEqual(['training.learningRate: must be more than 0']);
    expect(problemsOf({ learningRate: 1000 })).toEqual(['training.learningRate: must be at most 100']);
  });

  it('that is no JSON says so', () => {
    expect(readSpec('{"dataset":').problems[0]).toMatch(/^This is no JSON: /);
  });
});

describe('an input beside the text', () => {
  it('shows every field of a complete spec', () => {
    for (const { fields } of fieldGroups) for (const field of fields) expect(written(json, field)).not.toBe('');
  });

  it('changes its own part alone', () => {
    const after = changed(json, fieldOf('training.epochs'), '3');
    expect(runSpecSchema.parse(after)).toEqual({ ...spec, training: { ...spec.training, epochs: 3 } });
  });

  it('mirrors the hidden layers in the decoder', () => {
    const { model } = runSpecSchema.parse(changed(json, fieldOf('model.encoder.hidden'), '400, 200'));
    expect([model.encoder.hidden, model.decoder.hidden]).toEqual([
      [400, 200],
      [200, 400],
    ]);
  });

  it('leaves the fields of another optimiser behind', () => {
    const { training } = runSpecSchema.parse(changed(json, fieldOf('training.optimizer.kind'), 'momentum'));
    expect(training.optimizer).toEqual({ kind: 'momentum', momentum: 0.9, nesterov: false });
  });

  it('chooses a likelihood, of real numbers one that learns its variance', () => {
    const gaussian = changed(json, fieldOf('model.likelihood.kind'), 'gaussian');
    expect(runSpecSchema.parse(gaussian).model.likelihood).toEqual({ kind: 'gaussian', variance: 'learned' });
    const back = changed(gaussian, fieldOf('model.likelihood.kind'), 'bernoulli');
    expect(runSpecSchema.parse(back)).toEqual(spec);
  });

  it('follows the data set with the name of the run and the likelihood, and goes back', () => {
    const types: Record<string, string> = { mnist: 'uint8', reals: 'float32' };
    const typeOf = (name: unknown) => types[String(name)];
    const start = withValue(json, 'name', 'mnist');
    const reals = withDataset(start, 'reals', typeOf);
    expect(runSpecSchema.parse(reals)).toMatchObject({
      name: 'reals',
      dataset: { name: 'reals' },
      model: { likelihood: { kind: 'gaussian', variance: 'learned' } },
    });
    expect(withDataset(reals, 'mnist', typeOf)).toEqual(start);
    const mine = withDataset(withValue(start, 'name', 'mine'), 'unknown', typeOf);
    expect(mine).toEqual(withValue(withValue(start, 'name', 'mine'), 'dataset.name', 'unknown'));
  });

  it('lets the schema refuse what is no number', () => {
    expect(readSpec(writeSpec(changed(json, fieldOf('seed'), 'seven'))).problems[0]).toMatch(/^seed: /);
    expect(readSpec(writeSpec(changed(json, fieldOf('model.encoder.hidden'), '4, x'))).problems).not.toEqual([]);
    expect(readList('400, , 200')).toEqual([400, 200]);
  });

  it('reads decimal numbers alone', () => {
    expect([' 7 ', '-.5', '+1e-3', '0.', '1E3'].map(readNumber)).toEqual([7, -0.5, 0.001, 0, 1000]);
    for (const text of ['0x10', '0b1', '0o7', 'Infinity', '1e999', '1_000', '']) expect(readNumber(text)).toBe(text);
    expect(readSpec(writeSpec(changed(json, fieldOf('training.epochs'), '0x10'))).problems).toEqual([
      'training.epochs: must be a number',
    ]);
    expect(readList('0x10, 200')).toEqual(['0x10', 200]);
  });

  it('makes the objects on the way, and reads nothing where there is nothing', () => {
    expect(withValue({}, 'training.optimizer.kind', 'sgd')).toEqual({ training: { optimizer: { kind: 'sgd' } } });
    expect(valueAt({ a: [1] }, 'a.0')).toBeUndefined();
    expect(valueAt(undefined, 'a')).toBeUndefined();
  });
});
