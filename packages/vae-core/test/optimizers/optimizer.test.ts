import { readFileSync } from 'node:fs';
import { type OptimizerSpec, optimizerSpecSchema } from '@elbo/protocol/run-spec';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { NonFiniteGradientError } from '@elbo/vae-core/optimizers/errors';
import { createOptimizer } from '@elbo/vae-core/optimizers/optimizer';
import { coordinatorBuffers } from '@elbo/vae-core/steps/kept-buffers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomFloats, sameBits, sumReference } from '../kernels/reference.js';
import { float32Update, textbookUpdate } from './reference.js';

const specs: OptimizerSpec[] = [
  { kind: 'sgd' },
  { kind: 'momentum', momentum: 0.9, nesterov: false },
  { kind: 'momentum', momentum: 0.9, nesterov: true },
  { kind: 'adam' },
  { kind: 'adamw', weightDecay: 0.05 },
].map((spec) => optimizerSpecSchema.parse(spec));
const nameOf = (spec: OptimizerSpec) => (spec.kind === 'momentum' && spec.nesterov ? 'nesterov' : spec.kind);

function bench(spec: OptimizerSpec, initial: Float32Array, contributionCount: number) {
  const { length } = initial;
  const arena = new TensorArena(coordinatorBuffers(contributionCount, spec) * length * 4);
  const parameters = arena.allocate(length);
  parameters.set(initial);
  const optimizer = createOptimizer(spec, length, arena, Kernels.create(arena));
  const contributions = Array.from({ length: contributionCount }, () => arena.allocate(length));
  return { parameters, optimizer, contributions };
}

interface GoldenCase {
  readonly name: string;
  readonly spec: OptimizerSpec;
  readonly learningRate: number;
  readonly clipGlobalNorm: number | null;
  readonly sampleCount: number;
  readonly initial: number[];
  readonly contributions: number[][][];
  readonly gradientNorms: number[];
  readonly parameters: number[][];
}
const golden = new URL('../../../../tests/golden/optimizers.json', import.meta.url);
const goldenCases = JSON.parse(readFileSync(golden, 'utf8')) as GoldenCase[];

describe('against torch.optim', () => {
  it.each(goldenCases)('$name gives the same parameters and gradient norms', (golden) => {
    const { parameters, optimizer, contributions } = bench(golden.spec, Float32Array.from(golden.initial), 2);
    const { learningRate, clipGlobalNorm, sampleCount } = golden;
    for (const [step, given] of golden.contributions.entries()) {
      contributions.forEach((contribution, i) => {
        contribution.set(given[i] as number[]);
      });
      const done = optimizer.update({ parameters, contributions, sampleCount, learningRate, step, clipGlobalNorm });
      expect(done.gradientNorm / (golden.gradientNorms[step] as number)).toBeCloseTo(1, 6);
      // PyTorch divides by norm + 1e-6 when it clips.
      const tolerance = clipGlobalNorm === null ? 5e-7 : 2e-6;
      golden.parameters[step]?.forEach((expected, i) => {
        expect(Math.abs((parameters[i] as number) - expected)).toBeLessThan(
          tolerance * Math.max(1, Math.abs(expected)),
        );
      });
    }
  });
});

describe.each(specs.map((spec) => [nameOf(spec), spec] as const))('%s', (_, spec) => {
  it('has the bits of float32 arithmetic in the documented order, for any length and any cut into contributions', () => {
    for (const length of [1, 2, 3, 4, 5, 6, 7, 100, 2049]) {
      for (const count of [1, 2, 5]) {
        const initial = randomFloats(length, 7);
        const { parameters, optimizer, contributions } = bench(spec, initial, count);
        const expected = Float32Array.from(initial);
        const state = optimizer.state.map(() => new Float32Array(length));
        for (let step = 0; step < 5; step++) {
          contributions.forEach((c, i) => {
            c.set(randomFloats(length, 100 * step + i));
          });
          const learningRate = 0.01 / (step + 1);
          optimizer.update({ parameters, contributions, sampleCount: 24, learningRate, step, clipGlobalNorm: null });
          float32Update(spec, expected, state, {
            gradient: sumReference(contributions),
            scale: 1 / 24,
            learningRate,
            step,
          });
        }
        expect(sameBits(parameters, expected)).toBe(true);
        optimizer.state.forEach((tensor, i) => {
          expect(sameBits(tensor, state[i] as Float32Array)).toBe(true);
        });
      }
    }
  });

  it('follows the textbook in double precision', () => {
    const gradients = fc.array(
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 5, maxLength: 5 }),
      {
        minLength: 1,
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(gradients, fc.integer({ min: 1, max: 512 }), (steps, sampleCount) => {
        const { parameters, optimizer, contributions } = bench(spec, new Float32Array([1, -1, 0.5, 0, 2]), 1);
        const theta = Array.from(parameters);
        const state = optimizer.state.map(() => new Array<number>(5).fill(0));
        for (const [step, sums] of steps.entries()) {
          contributions[0]?.set(sums);
          const g = Array.from(contributions[0] as Float32Array, (sum) => sum / sampleCount);
          optimizer.update({ parameters, contributions, sampleCount, learningRate: 0.01, step, clipGlobalNorm: null });
          textbookUpdate(spec, theta, state, g, 0.01, step);
        }
        theta.forEach((expected, i) => {
          expect(Math.abs((parameters[i] as number) - expected)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected)));
        });
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('refuses a gradient that is not finite, names the place, and changes nothing', () => {
    const initial = randomFloats(5000, 1);
    const { parameters, optimizer, contributions } = bench(spec, initial, 3);
    const inputs = { parameters, contributions, sampleCount: 3, learningRate: 0.1, clipGlobalNorm: 1 };
    for (const [i, contribution] of contributions.entries()) contribution.set(randomFloats(5000, i));
    optimizer.update({ ...inputs, step: 0 });
    const before = [parameters, ...optimizer.state].map((tensor) => Float32Array.from(tensor));
    const poisoned = contributions[1] as Float32Array;
    poisoned[4321] = Number.NaN;
    poisoned[4900] = Infinity;
    expect(() => optimizer.update({ ...inputs, step: 1 })).toThrow(NonFiniteGradientError);
    expect(() => optimizer.update({ ...inputs, step: 1 })).toThrow(
      expect.objectContaining({
        code: 'NON_FINITE_GRADIENT',
        step: 1,
        index: 4321,
        contribution: 1,
        value: Number.NaN,
      }),
    );
    [parameters, ...optimizer.state].forEach((tensor, i) => {
      expect(sameBits(tensor, before[i] as Float32Array)).toBe(true);
    });
    for (const contribution of contributions) contribution.fill(3e38);
    expect(() => optimizer.update({ ...inputs, step: 1 })).toThrow(
      expect.objectContaining({ index: 0, contribution: null, value: Infinity }),
    );
  });

  it('refuses tensors of another length, and changes neither them nor their neighbours', () => {
    const initial = new Float32Array(100).fill(1);
    const { parameters, optimizer, contributions } = bench(spec, initial, 2);
    const rest = { sampleCount: 1, learningRate: 0.1, step: 0, clipGlobalNorm: null };
    contributions[0]?.fill(1);
    const short = { parameters, contributions: [parameters, contributions[0]!.subarray(0, 99)] };
    expect(() => optimizer.update({ ...short, ...rest })).toThrow(/contributions\[1\].*99 elements where 100/);
    const before = [...contributions[0]!];
    const few = { parameters: parameters.subarray(0, 99), contributions };
    expect(() => optimizer.update({ ...few, ...rest })).toThrow(/parameters.*99 elements where 100/);
    expect([...parameters]).toEqual([...initial]);
    expect([...contributions[0]!]).toEqual(before);
    for (const state of optimizer.state) expect([...state]).toEqual([...new Float32Array(100)]);
  });

  it('resumes from its state: interrupted and not interrupted, the same bits', () => {
    const run = (from: number, to: number, { parameters, optimizer, contributions }: ReturnType<typeof bench>) => {
      for (let step = from; step < to; step++) {
        contributions[0]?.set(randomFloats(33, step));
        optimizer.update({ parameters, contributions, sampleCount: 2, learningRate: 0.01, step, clipGlobalNorm: 0.5 });
      }
    };
    const whole = bench(spec, randomFloats(33, 0), 1);
    run(0, 9, whole);
    const first = bench(spec, randomFloats(33, 0), 1);
    run(0, 4, first);
    const second = bench(spec, first.parameters, 1);
    second.optimizer.state.forEach((tensor, i) => {
      tensor.set(first.optimizer.state[i] as Float32Array);
    });
    run(4, 9, second);
    expect(sameBits(second.parameters, whole.parameters)).toBe(true);
  });

  it('leaves no subnormal number behind when gradients end', () => {
    const { parameters, optimizer, contributions } = bench(spec, randomFloats(8, 0), 1);
    const inputs = { parameters, contributions, sampleCount: 1, learningRate: 0.01, clipGlobalNorm: null };
    contributions[0]?.fill(1e-16);
    for (let step = 0; step < 2000; step++) {
      optimizer.update({ ...inputs, step });
      contributions[0]?.fill(0);
    }
    const smallest = 2 ** -126;
    for (const tensor of optimizer.state) {
      expect([...tensor].every((x) => x === 0 || Math.abs(x) >= smallest)).toBe(true);
    }
  });
});

describe('clipping by global norm', () => {
  const spec = specs[0] as OptimizerSpec;
  const clipped = (clipGlobalNorm: number | null) => {
    const { parameters, optimizer, contributions } = bench(spec, new Float32Array(4), 2);
    contributions[0]?.set([3, 0, 10, 0]);
    contributions[1]?.set([3, 8, -10, 0]);
    const done = optimizer.update({
      parameters,
      contributions,
      sampleCount: 2,
      learningRate: 1,
      step: 0,
      clipGlobalNorm,
    });
    return { norm: done.gradientNorm, update: Array.from(parameters, (x) => 0 - x) };
  };

  it('scales a gradient that is longer, keeps its direction and reports its norm before', () => {
    expect(clipped(null)).toEqual({ norm: 5, update: [3, 4, 0, 0] });
    const { norm, update } = clipped(1);
    expect(norm).toBe(5);
    expect(update).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 0].map((x) => expect.closeTo(x, 6)));
  });

  it('leaves alone a gradient that is shorter or as long', () => {
    expect(clipped(5)).toEqual(clipped(null));
    expect(clipped(1e9)).toEqual(clipped(null));
  });
});
