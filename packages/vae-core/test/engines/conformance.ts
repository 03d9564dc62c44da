import { Worker } from 'node:worker_threads';
import type { EngineName } from '@elbo/protocol/run-spec';
import type { BatchTerms, Engine } from '@elbo/vae-core/engines/engine';
import { EngineUnavailableError } from '@elbo/vae-core/engines/errors';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { parameterView } from '@elbo/vae-core/parameter-layout';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activations, likelihoods, makeSubject, type Subject, subjectMatrix } from './subjects.js';

interface Gradient {
  readonly gradient: Float32Array;
  readonly reconstructionLogProb: Float32Array;
  readonly klDivergence: Float32Array;
}

/** Rounding of float32 through two layers, relative to the largest element. */
const roundingTolerance = 2e-5;

/** What every engine must do. One that is not installed is skipped, loudly; in CI that is a failure. */
export async function describeEngine(name: EngineName): Promise<void> {
  const missing = await reasonMissing(name);
  if (missing && process.env.CI) {
    test(`the engine ${name} is there in CI`, () => expect.fail(missing));
    return;
  }
  if (missing) console.warn(`\n*** SKIPPED: all tests of the engine ${name}: ${missing}\n`);
  describe.skipIf(missing)(`the engine ${name}`, () => {
    let engine: Engine;
    let reference: Engine;
    beforeAll(async () => {
      engine = await loadEngine(name);
      reference = await loadEngine('cpu');
    });
    afterAll(() => Promise.all([engine.dispose(), reference.dispose()]));

    test.each(titled(subjectMatrix()))(
      'gives the values and gradients of the reference: %s',
      async (_title, subject) => {
        const [ours, theirs] = [await gradientOf(engine, subject), await gradientOf(reference, subject)];
        expectClose(ours.reconstructionLogProb, theirs.reconstructionLogProb);
        expectClose(ours.klDivergence, theirs.klDivergence);
        for (const entry of subject.model.layout.entries) {
          expectClose(parameterView(ours.gradient, entry), parameterView(theirs.gradient, entry), entry.name);
        }
      },
    );

    const differentiated = activations.flatMap((activation) =>
      likelihoods.map((likelihood) => makeSubject({ activation, likelihood, batchSize: 3, monteCarloSamples: 2 })),
    );
    test.each(titled(differentiated))('has the gradient of finite differences: %s', async (_title, subject) => {
      await expectFiniteDifferences(engine, subject);
    });

    test('gives the terms of the gradient without a gradient too', async () => {
      const subject = makeSubject({ monteCarloSamples: 2, batchSize: 5 });
      const { model, monteCarloSamples, batchSize, inputs } = subject;
      const evaluate = await engine.compileEvaluation(model, monteCarloSamples, batchSize);
      const terms = await evaluate(inputs);
      const withGradient = await gradientOf(engine, subject);
      expect(terms.reconstructionLogProb).toHaveLength(batchSize);
      expect(terms.klDivergence).toHaveLength(batchSize * model.latentDim);
      expectClose(terms.reconstructionLogProb, withGradient.reconstructionLogProb);
      expectClose(terms.klDivergence, withGradient.klDivergence);
    });

    test.each(likelihoods)('encodes and decodes as the reference: $kind $variance', async (likelihood) => {
      const { model, batchSize, inputs } = makeSubject({ likelihood, batchSize: 3 });
      const z = inputs.epsilon;
      const run = async (used: Engine) => {
        const { posteriorMean, posteriorLogVar } = await (await used.compileEncoder(model, batchSize))(
          inputs.parameters,
          inputs.x,
        );
        const mean = await (await used.compileDecoder(model, batchSize))(inputs.parameters, z);
        return [posteriorMean.slice(), posteriorLogVar.slice(), mean.slice()] as const;
      };
      const [ours, theirs] = [await run(engine), await run(reference)];
      expect(ours.map(({ length }) => length)).toEqual([9, 9, batchSize * model.dataDim]);
      ours.forEach((values, i) => {
        expectClose(values, theirs[i] as Float32Array);
      });
    });

    test('compiles the same program once, and one for each model, sample count and batch size', async () => {
      const { model } = makeSubject();
      const first = await engine.compileGradient(model, 1, 4);
      expect(await engine.compileGradient(makeSubject().model, 1, 4)).toBe(first);
      expect(await engine.compileGradient(model, 2, 4)).not.toBe(first);
      expect(await engine.compileGradient(model, 1, 5)).not.toBe(first);
      expect(await engine.compileGradient(makeSubject({ activation: 'elu' }).model, 1, 4)).not.toBe(first);
      expect(await engine.compileEvaluation(model, 1, 4)).not.toBe(first);
    });

    test('sees what a caller writes into an array it has used before, and keeps apart arrays of the same length', async () => {
      const subject = makeSubject();
      const { model, inputs } = subject;
      const other = { ...inputs, parameters: inputs.parameters.map((value) => -value), beta: 0.2 };
      const expected = await gradientOf(engine, { ...subject, inputs: other });
      const kept = { ...inputs, parameters: inputs.parameters.slice() };
      const before = await gradientOf(engine, { ...subject, inputs: kept });
      kept.parameters.set(other.parameters);
      const after = await gradientOf(engine, { ...subject, inputs: { ...kept, beta: 0.2 } });
      expect(before.gradient).not.toEqual(expected.gradient);
      expect(after).toEqual(expected);
      expect(after.gradient).toHaveLength(model.layout.length);
    });

    test('gives the same bits each time, and leaks no tensor', async () => {
      const subject = makeSubject({ batchSize: 33, hidden: [40], dataDim: 50, monteCarloSamples: 2 });
      const first = await gradientOf(engine, subject);
      const tensors = tf.memory().numTensors;
      for (let i = 0; i < 5; i++) expect(await gradientOf(engine, subject)).toEqual(first);
      await (await engine.compileEvaluation(subject.model, 2, 33))(subject.inputs);
      expect(tf.memory().numTensors).toBe(tensors);
    });

    test('gives the same bits in two worker threads at the same time as here', async () => {
      const subject = makeSubject({ batchSize: 33, hidden: [40], dataDim: 48 });
      const here = await gradientOf(engine, subject);
      const there = await Promise.all([gradientInThread(name, subject), gradientInThread(name, subject)]);
      for (const { gradient, reconstructionLogProb, klDivergence } of there) {
        expect(gradient).toEqual(here.gradient);
        expect(reconstructionLogProb).toEqual(here.reconstructionLogProb);
        expect(klDivergence).toEqual(here.klDivergence);
      }
    });

    test.each(['x', 'parameters'] as const)('lets a NaN in %s through to the terms and the gradient', async (input) => {
      const subject = makeSubject();
      const poisoned = subject.inputs[input].slice();
      poisoned[0] = Number.NaN;
      const result = await gradientOf(engine, { ...subject, inputs: { ...subject.inputs, [input]: poisoned } });
      expect(result.reconstructionLogProb.some(Number.isNaN)).toBe(true);
      expect(result.gradient.some(Number.isNaN)).toBe(true);
    });

    test('refuses arrays of the wrong length, of another type and in shared memory, by the name of the argument', async () => {
      const { model, inputs } = makeSubject();
      const run = await engine.compileGradient(model, 1, 4);
      const gradient = new Float32Array(model.layout.length);
      const shared = new Float32Array(new SharedArrayBuffer(inputs.x.byteLength));
      const refused = (input: string) => ({ code: 'ENGINE_INPUT', engine: name, input });
      const shorter = inputs.parameters.subarray(1);
      await expect(run({ ...inputs, parameters: shorter }, gradient)).rejects.toMatchObject(refused('parameters'));
      await expect(run({ ...inputs, epsilon: new Float32Array(1) }, gradient)).rejects.toMatchObject(
        refused('epsilon'),
      );
      await expect(run(inputs, new Float32Array(3))).rejects.toMatchObject(refused('gradient'));
      await expect(run({ ...inputs, x: shared }, gradient)).rejects.toMatchObject(refused('x'));
      const doubles = new Float64Array(inputs.x.length) as unknown as Float32Array;
      await expect(run({ ...inputs, x: doubles }, gradient)).rejects.toMatchObject(refused('x'));
    });

    test('refuses to compile for no sample, no example and parts of one', async () => {
      const { model } = makeSubject();
      const refused = (input: string) => ({ code: 'ENGINE_INPUT', engine: name, input });
      await expect(engine.compileGradient(model, 0, 4)).rejects.toMatchObject(refused('epsilon'));
      await expect(engine.compileEvaluation(model, 1, 0)).rejects.toMatchObject(refused('x'));
      await expect(engine.compileEncoder(model, 1.5)).rejects.toMatchObject(refused('x'));
      await expect(engine.compileDecoder(model, Number.NaN)).rejects.toMatchObject(refused('z'));
    });

    test('does nothing more once it is disposed', async () => {
      const disposed = await loadEngine(name);
      const { model, inputs } = makeSubject();
      const run = await disposed.compileEvaluation(model, 1, 4);
      await run(inputs);
      await disposed.dispose();
      await disposed.dispose();
      await expect(run(inputs)).rejects.toMatchObject({ code: 'ENGINE_DISPOSED' });
      await expect(disposed.compileEvaluation(model, 1, 4)).rejects.toMatchObject({ code: 'ENGINE_DISPOSED' });
    });
  });
}

function titled(subjects: readonly Subject[]): [string, Subject][] {
  return subjects.map((subject) => [subject.title, subject]);
}

async function reasonMissing(name: EngineName): Promise<string | undefined> {
  try {
    await (await loadEngine(name)).dispose();
    return undefined;
  } catch (error) {
    if (error instanceof EngineUnavailableError) return error.message;
    throw error;
  }
}

async function gradientOf(engine: Engine, subject: Subject): Promise<Gradient> {
  const run = await engine.compileGradient(subject.model, subject.monteCarloSamples, subject.batchSize);
  const gradient = new Float32Array(subject.model.layout.length).fill(Number.NaN);
  const { reconstructionLogProb, klDivergence } = await run(subject.inputs, gradient);
  return { gradient, reconstructionLogProb: reconstructionLogProb.slice(), klDivergence: klDivergence.slice() };
}

function gradientInThread(engine: EngineName, { model, ...subject }: Subject): Promise<Gradient> {
  const workerData = { engine, spec: model.spec, dataDim: model.dataDim, ...subject };
  const worker = new Worker(new URL('./gradient-thread.mjs', import.meta.url), { workerData });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** Compares with central differences along each parameter's own gradient, where the slope is that gradient's norm. */
async function expectFiniteDifferences(engine: Engine, subject: Subject): Promise<void> {
  const { model, inputs, monteCarloSamples, batchSize } = subject;
  const evaluate = await engine.compileEvaluation(model, monteCarloSamples, batchSize);
  const { gradient } = await gradientOf(engine, subject);
  for (const entry of model.layout.entries) {
    const along = parameterView(gradient, entry);
    const norm = Math.hypot(...along);
    const lossAt = async (distance: number): Promise<number> => {
      const parameters = inputs.parameters.slice();
      const moved = parameterView(parameters, entry);
      along.forEach((slope, i) => {
        moved[i] = (moved[i] as number) + (slope / norm) * distance;
      });
      return loss(await evaluate({ ...inputs, parameters }), inputs.beta);
    };
    const step = 4e-3;
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    expect(slope / norm, `${entry.name}: slope ${slope}, norm of the gradient ${norm}`).toBeCloseTo(1, 1.7);
  }
}

function loss({ reconstructionLogProb, klDivergence }: BatchTerms, beta: number): number {
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
  return beta * sum(klDivergence) - sum(reconstructionLogProb);
}

function expectClose(actual: Float32Array, expected: Float32Array, of = ''): void {
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
  const furthest = expected.reduce((max, value, i) => Math.max(max, Math.abs(value - (actual[i] as number))), 0);
  expect(actual).toHaveLength(expected.length);
  expect(actual.every(Number.isFinite), `${of} is finite`).toBe(true);
  expect(furthest / largest, `${of} is as the reference`).toBeLessThan(roundingTolerance);
}
