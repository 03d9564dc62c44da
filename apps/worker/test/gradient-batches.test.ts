import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createModel } from '@elbo/vae-core/models/model';
import type { ThreadRun } from '@elbo/worker/threads/messages';
import runTask from '@elbo/worker/threads/run-task';
import { ThreadState } from '@elbo/worker/threads/thread-state';
import { describe, expect, it } from 'vitest';
import { describeMixtureRun } from './support/mixture-run.js';

const batch = 16;

describe('a batch that was made beforehand', () => {
  it('is the one that would be made in its time, whatever the thread does in between', async () => {
    const state = await threadState();
    const first = { step: 3, epoch: 1, range: { begin: 3 * batch, end: 4 * batch } };
    const second = { step: 4, epoch: 1, range: { begin: 4 * batch, end: 5 * batch } };
    const expected = copyOf((await threadState()).batches.of(second));
    const before = copyOf(state.batches.of(first));
    expect(before).not.toEqual(expected);

    state.batches.prepareNext(first);
    state.readExamples(
      'evaluation',
      'test',
      Uint32Array.from({ length: batch }, (_, i) => i),
      1,
    );
    state.drawEpsilon(
      'evaluation',
      1,
      Uint32Array.from({ length: batch }, (_, i) => i),
    );
    expect(copyOf(state.batches.of(second))).toEqual(expected);
  });

  it('is not used for another step or place', async () => {
    const state = await threadState();
    const place = { step: 3, epoch: 1, range: { begin: 3 * batch, end: 4 * batch } };
    state.batches.prepareNext(place);
    expect(copyOf(state.batches.of(place))).toEqual(copyOf((await threadState()).batches.of(place)));
  });
});

describe('a task that comes before the next batch could be made', () => {
  it('computes from its own', async () => {
    const threadRun = await describeRun();
    const { length } = createModel(threadRun.run.spec.model, threadRun.run.dataDim).layout;
    const arena = new TensorArena(8 * length);
    const [parameters, target] = [arena.allocate(length).fill(0.01), arena.allocate(length)];
    const gradientAt = async (key: string, step: number, place: number) => {
      await runTask({
        kind: 'gradient',
        threadRun: { ...threadRun, key, memory: arena.memory },
        parameters: arena.refOf(parameters),
        parameterVersion: 0,
        range: { begin: place * batch, end: (place + 1) * batch },
        epoch: 0,
        step,
        beta: 1,
        prepareNext: true,
        target: arena.refOf(target),
      });
      return [...target];
    };
    const expected = await gradientAt('run-1:1', 0, 1);
    await gradientAt('run-1:2', 0, 0);
    expect(await gradientAt('run-1:2', 0, 1)).toEqual(expected);
  });
});

function copyOf({ examples, x, epsilon }: ReturnType<ThreadState['batches']['of']>) {
  return { examples: [...examples], x: [...x], epsilon: [...epsilon] };
}

async function threadState(): Promise<ThreadState> {
  return ThreadState.create(await describeRun());
}

async function describeRun(): Promise<ThreadRun> {
  return { ...(await describeMixtureRun('run-1', batch)), memory: new TensorArena(0).memory };
}
