import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { mostParts, PartCounter } from '@elbo/vae-core/optimizers/part-counter';
import { describe, expect, it } from 'vitest';

function counterOf(parts: number): { counter: PartCounter; words: Int32Array<SharedArrayBuffer> } {
  const words = new Int32Array(new SharedArrayBuffer(4 * PartCounter.words));
  const counter = new PartCounter(words, parts);
  counter.initialize();
  return { counter, words };
}

function takeAll(counter: PartCounter): number[] {
  const taken: number[] = [];
  for (let part = counter.take(); part !== null; part = counter.take()) taken.push(part);
  return taken;
}

describe('the parts of a round', () => {
  it.each([1, 7, mostParts])('are handed out once each, round after round: %i', (parts) => {
    const { counter } = counterOf(parts);
    expect(counter.take()).toBeNull();
    for (let round = 0; round < 3; round++) {
      counter.open();
      expect(takeAll(counter)).toEqual(Array.from({ length: parts }, (_, part) => part));
      for (let part = 0; part < parts; part++) counter.done();
      counter.waitForAll();
    }
  });

  it('go to two threads at once, none twice', async () => {
    const parts = 200;
    const { counter, words } = counterOf(parts);
    const counts = new Int32Array(new SharedArrayBuffer(4 * parts));
    const worker = new Worker(new URL('./part-thread.mjs', import.meta.url), {
      workerData: { words, parts, counts, rounds: 500 },
    });
    await once(worker, 'message');
    const exit = once(worker, 'exit');
    for (let round = 0; round < 500; round++) {
      counter.open();
      for (const part of takeAll(counter)) {
        Atomics.add(counts, part, 1);
        counter.done();
      }
      counter.waitForAll();
    }
    worker.postMessage('stop');
    await exit;
    expect([...counts]).toEqual(Array.from({ length: parts }, () => 500));
  });

  it('are waited for while another thread has one in hands', async () => {
    const { counter, words } = counterOf(2);
    const held = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL('./holding-thread.mjs', import.meta.url), { workerData: { words, held } });
    await once(worker, 'message');
    counter.open();
    Atomics.store(held, 0, 1);
    Atomics.notify(held, 0);
    while (Atomics.load(held, 0) === 1) Atomics.wait(held, 0, 1, 1000);
    for (const _ of takeAll(counter)) counter.done();
    expect(Atomics.load(held, 1)).toBe(0);
    counter.waitForAll();
    expect(Atomics.load(held, 1)).toBe(1);
    await worker.terminate();
  });
});
