import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type OptimizerSpec, optimizerSpecSchema } from '@elbo/protocol/run-spec';
import { blockLength, Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createOptimizer } from '@elbo/vae-core/optimizers/optimizer';
import {
  applyUpdate,
  gradientNorm,
  gradientScale,
  splitAtBlocks,
  sumContributions,
} from '@elbo/vae-core/optimizers/split-update';
import { updateScalars } from '@elbo/vae-core/optimizers/update-scalars';
import { describe, expect, it } from 'vitest';
import { randomFloats, sameBits } from '../kernels/reference.js';

describe('an update split over ranges of the parameters', () => {
  it('is cut at multiples of the block length, without gaps, into parts of nearly one size', () => {
    for (const length of [1, 2047, 2048, 2049, 652_824]) {
      for (const parts of [1, 2, 3, 8]) {
        const ranges = splitAtBlocks(length, parts);
        expect(ranges[0]?.begin).toBe(0);
        expect(ranges.at(-1)?.end).toBe(length);
        for (const [i, { begin, end }] of ranges.entries()) {
          expect(begin % blockLength).toBe(0);
          expect(begin).toBe(i === 0 ? 0 : ranges[i - 1]?.end);
          expect(end - begin).toBeLessThanOrEqual(Math.ceil(length / parts / blockLength) * blockLength);
        }
      }
    }
  });

  it.each(['sgd', 'momentum', 'adam', 'adamw'] as const)(
    'has the bits of the whole, on two threads: %s',
    async (kind) => {
      const spec: OptimizerSpec = optimizerSpecSchema.parse({ kind });
      const length = 9 * blockLength + 3;
      const whole = trainWhole(spec, length);

      const arena = new TensorArena(16 * length * 4);
      const kernels = Kernels.create(arena);
      const parameters = arena.allocate(length);
      parameters.set(randomFloats(length, 0));
      const { state } = createOptimizer(spec, length, arena, kernels);
      const gradient = {
        contributions: [arena.allocate(length), arena.allocate(length)],
        sum: arena.allocate(length),
        squares: arena.allocateFloat64(10),
      };
      const refs = {
        contributions: gradient.contributions.map((tensor) => arena.refOf(tensor)),
        sum: arena.refOf(gradient.sum),
        squares: arena.refOf(gradient.squares),
        parameters: arena.refOf(parameters),
        state: state.map((tensor) => arena.refOf(tensor)),
      };
      const worker = new Worker(new URL('./split-thread.mjs', import.meta.url), {
        workerData: { memory: arena.memory, refs },
      });
      const other = async (message: unknown) => {
        const answered = once(worker, 'message');
        worker.postMessage(message);
        await answered;
      };
      const [mine, theirs] = splitAtBlocks(length, 2) as [
        { begin: number; end: number },
        { begin: number; end: number },
      ];
      for (let step = 0; step < 3; step++) {
        fill(gradient.contributions, step);
        const summed = other({ range: theirs });
        sumContributions(kernels, gradient, mine);
        await summed;
        const norm = gradientNorm(kernels, gradient, 4, step);
        expect(norm).toBe(whole.norms[step]);
        const scalars = updateScalars(spec, gradientScale(norm, 4, 10), 0.01, step);
        const updated = other({ range: theirs, scalars });
        applyUpdate(kernels, scalars, { parameters, state }, gradient, mine);
        await updated;
      }
      await worker.terminate();
      expect(sameBits(parameters, whole.parameters)).toBe(true);
    },
  );
});

function trainWhole(spec: OptimizerSpec, length: number): { parameters: Float32Array; norms: number[] } {
  const arena = new TensorArena(8 * length * 4);
  const parameters = arena.allocate(length);
  parameters.set(randomFloats(length, 0));
  const optimizer = createOptimizer(spec, length, arena, Kernels.create(arena));
  const contributions = [arena.allocate(length), arena.allocate(length)];
  const norms = [0, 1, 2].map((step) => {
    fill(contributions, step);
    const inputs = { parameters, contributions, sampleCount: 4, learningRate: 0.01, step, clipGlobalNorm: 10 };
    return optimizer.update(inputs).gradientNorm;
  });
  return { parameters, norms };
}

function fill(contributions: readonly Float32Array[], step: number): void {
  for (const [i, contribution] of contributions.entries())
    contribution.set(randomFloats(contribution.length, 10 * step + i));
}
