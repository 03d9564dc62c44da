import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type OptimizerSpec, optimizerSpecSchema } from '@elbo/protocol/run-spec';
import { blockLength, Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createOptimizer } from '@elbo/vae-core/optimizers/optimizer';
import { splitAtBlocks } from '@elbo/vae-core/optimizers/split-update';
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
    'has the same bits when another thread does some of them: %s',
    async (kind) => {
      const spec: OptimizerSpec = optimizerSpecSchema.parse({ kind });
      const length = 64 * blockLength + 3;
      const [alone, together] = [bench(spec, length), bench(spec, length)];
      const helped = new Int32Array(new SharedArrayBuffer(12));
      const workerData = { memory: together.arena.memory, shared: together.optimizer.shared, helped };
      const helper = new Worker(new URL('./split-thread.mjs', import.meta.url), { workerData });
      await once(helper, 'message');
      const deadline = performance.now() + 30_000;
      for (let step = 0; step < 3 || helped.subarray(0, 2).includes(0); step++) {
        expect(together.update(step)).toBe(alone.update(step));
        expect(performance.now()).toBeLessThan(deadline);
      }
      const exit = once(helper, 'exit');
      Atomics.store(helped, 2, 1);
      await exit;
      expect(sameBits(together.parameters, alone.parameters)).toBe(true);
      for (const [i, state] of together.optimizer.state.entries()) {
        expect(sameBits(state, alone.optimizer.state[i] as Float32Array)).toBe(true);
      }
    },
  );
});

function bench(spec: OptimizerSpec, length: number) {
  const arena = new TensorArena(8 * length * 4);
  const parameters = arena.allocate(length);
  parameters.set(randomFloats(length, 0));
  const optimizer = createOptimizer(spec, length, arena, Kernels.create(arena));
  const contributions = [arena.allocate(length), arena.allocate(length)];
  const update = (step: number) => {
    fill(contributions, step);
    const inputs = { parameters, contributions, sampleCount: 4, learningRate: 0.01, step, clipGlobalNorm: 10 };
    return optimizer.update(inputs).gradientNorm;
  };
  return { arena, parameters, optimizer, update };
}

function fill(contributions: readonly Float32Array[], step: number): void {
  for (const [i, contribution] of contributions.entries())
    contribution.set(randomFloats(contribution.length, 10 * step + i));
}
