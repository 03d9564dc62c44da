import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createModel } from '@elbo/vae-core/models/model';
import { CallingPool } from '@elbo/worker/threads/calling-pool';
import type { GradientTask } from '@elbo/worker/threads/messages';
import { afterEach, describe, expect, it } from 'vitest';
import { describeMixtureRun } from './support/mixture-run.js';

const batch = 8;
const tasks = 7;
const pools: CallingPool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe('a pool in which the calling thread computes too', () => {
  it('gives the same bits with one thread and with several, more tasks than threads', async () => {
    const alone = await gradients(1);
    expect(new Set(alone.map(String)).size).toBe(tasks);
    expect(await gradients(2)).toEqual(alone);
    expect(await gradients(3)).toEqual(alone);
  });

  it('goes on after tasks that fail', async () => {
    const { tasksOf } = await run();
    const pool = poolOf(2);
    const [good, ...others] = tasksOf(() => {});
    const nowhere = { byteOffset: 2 ** 40, length: 1 };
    const results = await Promise.allSettled(
      [...others.map((task) => ({ ...task, parameters: nowhere })), good as GradientTask].map((task) => pool.run(task)),
    );
    expect(results.map(({ status }) => status)).toEqual([...others.map(() => 'rejected'), 'fulfilled']);
  });
});

async function gradients(threads: number): Promise<number[][]> {
  const { tasksOf } = await run();
  const targets: Float32Array[] = [];
  const pool = poolOf(threads);
  await Promise.all(tasksOf((target) => targets.push(target)).map((task) => pool.run(task)));
  return targets.map((target) => [...target]);
}

function poolOf(threads: number): CallingPool {
  const pool = new CallingPool(threads);
  pools.push(pool);
  return pool;
}

let runs = 0;

async function run() {
  const described = await describeMixtureRun(`run-${++runs}`, batch);
  const { length } = createModel(described.run.spec.model, described.run.dataDim).layout;
  const arena = new TensorArena((tasks + 1) * 4 * length);
  const parameters = arena.refOf(arena.allocate(length).fill(0.01));
  const threadRun = { ...described, memory: arena.memory };
  const tasksOf = (onTarget: (target: Float32Array) => void): GradientTask[] =>
    Array.from({ length: tasks }, (_, place) => {
      const target = arena.allocate(length);
      onTarget(target);
      return {
        kind: 'gradient',
        threadRun,
        parameters,
        parameterVersion: 0,
        range: { begin: place * batch, end: (place + 1) * batch },
        epoch: 0,
        step: 0,
        beta: 1,
        prepareNext: true,
        target: arena.refOf(target),
      };
    });
  return { tasksOf };
}
