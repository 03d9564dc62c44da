import type { ShardJob } from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { computeGradientShard } from '@elbo/worker/compute-shard';
import type { RunContext } from '@elbo/worker/run-contexts';
import { ScratchBuffers } from '@elbo/worker/scratch-buffers';
import type { ThreadResult, ThreadTask } from '@elbo/worker/threads/messages';
import type { ComputePool } from '@elbo/worker/threads/thread-pool';
import { describe, expect, it } from 'vitest';

/** In float32 their order shows: ((1e8 + 1) - 1e8) + 3 is 3, and ((1e8 + 3) - 1e8) + 1 is 1. */
const gradients = [1e8, 1, -1e8, 3];

/** A pool that holds its tasks until `tasksAtOnce` wait or none is left, and ends the later ones first. */
class ReversingPool implements ComputePool {
  readonly endedIn: number[] = [];
  #left = gradients.length;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly tasksAtOnce: number,
    private readonly arena: TensorArena,
  ) {}

  run(task: ThreadTask): Promise<ThreadResult> {
    const { begin } = task.range;
    this.#left--;
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        if (task.kind === 'gradient') this.arena.view(task.target).fill(gradients[begin] as number);
        this.endedIn.push(begin);
        const terms = { sampleCount: 1, reconstructionLogProb: gradients[begin] as number, klPerDimension: [0] };
        resolve({ terms, nonFinite: null, computeMs: 1 });
      });
      // The first is on its own: the others are added to it.
      if (begin === 0 || this.#left === 0 || this.#waiting.length === this.tasksAtOnce) void this.#endAll();
    });
  }

  async #endAll(): Promise<void> {
    for (const end of this.#waiting.splice(0).reverse()) {
      end();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  close = async () => {};
}

describe('the gradient of a shard', () => {
  it('is added in microbatch order, whatever order microbatches are done in', async () => {
    const arena = new TensorArena(1 << 16);
    const run = {
      runId: 'run-1',
      spec: runSpecSchema.parse({
        dataset: { name: 'gaussian-mixture' },
        training: { globalBatchSize: gradients.length, shardsPerStep: 1 },
      }),
      trainExamples: gradients.length,
      microbatchSize: 1,
      shardsPerStep: 1,
    };
    const context = {
      run,
      threadRun: {},
      kernels: Kernels.create(arena),
      scratch: new ScratchBuffers(gradients.length, () => arena.allocate(4)),
      slots: 1,
    } as unknown as RunContext;
    const job: Extract<ShardJob, { kind: 'gradient' }> = {
      kind: 'gradient',
      runId: 'run-1',
      lease: 1,
      conductor: '',
      parameterVersion: 0,
      shard: 0,
      attempt: 0,
      step: 0,
    };
    const pool = new ReversingPool(gradients.length, arena);
    const target = arena.allocate(4);
    const { terms } = await computeGradientShard(pool, context, job, arena.allocate(4), target);
    expect(pool.endedIn).toEqual([0, 3, 2, 1]);
    const inOrder = gradients.reduce((sum, gradient) => Math.fround(sum + gradient));
    expect([...target]).toEqual([inOrder, inOrder, inOrder, inOrder]);
    expect(terms.sampleCount).toBe(gradients.length);
  });
});
