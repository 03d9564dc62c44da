import { ShardWatch } from '@elbo/coordinator/shard-watch';
import type { ShardJob } from '@elbo/protocol/messages';
import { beforeEach, describe, expect, it } from 'vitest';

const shards = 3;
const usualMs = 50;

function job(shard: number, step: number, attempt = 0): ShardJob {
  return { kind: 'gradient', runId: 'run-1', lease: 1, conductor: '', parameterVersion: step, shard, attempt, step };
}

describe('the watch over shards', () => {
  let now: number;
  let watch: ShardWatch;
  const begin = (step: number, shape = 'whole') =>
    watch.begin(
      Array.from({ length: shards }, (_, shard) => job(shard, step)),
      shape,
    );
  const members = ['a', 'b', 'c'];
  const takeAll = (step: number) => {
    for (const [shard, member] of members.entries()) watch.taken(member, job(shard, step));
  };
  /** A step that members a, b and c do, a shard each, each in its time. */
  const doStep = (step: number, times: readonly [number, number, number], shape = 'whole') => {
    begin(step, shape);
    takeAll(step);
    const began = now;
    for (const shard of [0, 1, 2].sort((x, y) => (times[x] as number) - (times[y] as number))) {
      now = began + (times[shard] as number);
      watch.counted(members[shard] as string, job(shard, step));
    }
  };

  beforeEach(() => {
    now = 0;
    watch = new ShardWatch(() => now);
    for (const member of members) watch.joined(member);
  });

  it('hands the shard of a member that left to one that is idle, at once', () => {
    begin(0);
    watch.taken('a', job(0, 0));
    watch.taken('b', job(1, 0));
    watch.counted('a', job(0, 0));
    watch.left('b');
    expect(watch.handOut()).toEqual([{ workerId: 'a', job: job(1, 0, 1), why: 'returned' }]);
    expect(watch.handOut()).toEqual([]);
  });

  it('waits with it until somebody is idle', () => {
    begin(0);
    takeAll(0);
    watch.left('b');
    expect(watch.handOut()).toEqual([]);
    watch.counted('c', job(2, 0));
    expect(watch.handOut()).toMatchObject([{ workerId: 'c', job: { shard: 1 }, why: 'returned' }]);
  });

  it('takes a member for idle whose job only waits for the next step', () => {
    begin(0);
    watch.taken('a', job(0, 0));
    watch.taken('b', job(1, 0));
    watch.taken('c', job(0, 1));
    watch.left('b');
    expect(watch.handOut()).toMatchObject([{ workerId: 'c', job: { shard: 1, step: 0 } }]);
  });

  it('calls no shard slow before it knows how long shards take: engines compile at first', () => {
    begin(0);
    takeAll(0);
    watch.counted('a', job(0, 0));
    now += 60_000;
    expect(watch.handOut()).toEqual([]);
  });

  it('calls none slow of a shape that it has not seen, such as the last step of an epoch', () => {
    for (let step = 0; step < 3; step++) doStep(step, [usualMs, usualMs, usualMs]);
    begin(3, 'the rest');
    takeAll(3);
    watch.counted('a', job(0, 3));
    now += 60_000;
    expect(watch.handOut()).toEqual([]);
  });

  it('hands a shard out a second time when it takes four times the median, counted from when it was taken', () => {
    for (let step = 0; step < 3; step++) doStep(step, [usualMs, usualMs, usualMs]);
    begin(3);
    now += 10 * usualMs; // in the queue
    takeAll(3);
    now += usualMs;
    watch.counted('a', job(0, 3));
    watch.counted('b', job(1, 3));
    now += 3 * usualMs - 1;
    expect(watch.handOut()).toEqual([]);
    now += 1;
    expect(watch.handOut()).toMatchObject([{ job: { shard: 2, attempt: 1 }, why: 'slow' }]);
    expect(watch.handOut()).toEqual([]);
  });

  it('does not wait that long with a member that was slow twice before', () => {
    for (let step = 0; step < 3; step++) doStep(step, [usualMs, usualMs, usualMs]);
    for (let step = 3; step < 5; step++) doStep(step, [usualMs, usualMs, 10 * usualMs]);
    begin(5);
    takeAll(5);
    now += usualMs;
    watch.counted('a', job(0, 5));
    expect(watch.handOut()).toMatchObject([{ workerId: 'a', job: { shard: 2 }, why: 'slow' }]);
  });

  it('hands nothing to a member that still computes a shard of a step that is over', () => {
    for (let step = 0; step < 3; step++) doStep(step, [usualMs, usualMs, usualMs]);
    begin(3);
    takeAll(3);
    watch.counted('a', job(0, 3));
    watch.counted('b', job(1, 3));
    watch.counted('a', job(2, 3, 1));
    begin(4);
    watch.taken('a', job(0, 4));
    watch.taken('b', job(1, 4));
    watch.left('b');
    expect(watch.handOut()).toEqual([]);
  });

  it('leaves a shard to the queue for half a second, and then hands it to a member that is idle', () => {
    begin(0);
    watch.taken('a', job(0, 0));
    watch.taken('b', job(1, 0));
    now += 499;
    expect(watch.handOut()).toEqual([]);
    now += 1;
    expect(watch.handOut()).toMatchObject([{ workerId: 'c', job: { shard: 2, attempt: 1 }, why: 'untaken' }]);
  });

  it('names the shards that nobody took, so that they are put into the queue again', () => {
    begin(0);
    watch.taken('a', job(0, 0));
    now += 2000;
    expect(watch.untakenFor(2000)).toEqual([job(1, 0), job(2, 0)]);
    expect(watch.untakenFor(2001)).toEqual([]);
  });
});
