import { Turns } from '@elbo/worker/turns';
import { WorkerTally } from '@elbo/worker/worker-tally';
import { expect, it } from 'vitest';

it('a worker tells what it did in the last ten seconds, and all in all', () => {
  let now = 5000;
  const tally = new WorkerTally(2, () => now);
  tally.took('run-a');
  tally.took('run-b');
  now += 4000;
  tally.did('run-a', 1000, 4000);
  tally.left('run-a');
  expect(tally.report()).toEqual({
    runs: ['run-a', 'run-b'],
    shardsDone: 1,
    shardsFailed: 0,
    examplesPerSecond: 250,
    load: 0.5,
  });
  tally.failed();
  now += 20_000;
  // What is at hand counts, however long it takes.
  expect(tally.report()).toEqual({
    runs: ['run-b'],
    shardsDone: 1,
    shardsFailed: 1,
    examplesPerSecond: 0,
    load: 0,
  });
});

it('turns are taken by so many at a time, in the order in which they came, and given back by those who fail', async () => {
  const turns = new Turns(2);
  const order: string[] = [];
  let atOnce = 0;
  const work = (name: string, fails = false) =>
    turns.take(async () => {
      order.push(name);
      expect(++atOnce).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (fails) throw new Error(name);
    });
  const ends = await Promise.allSettled([work('a', true), work('b'), work('c'), work('d')]);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
});
