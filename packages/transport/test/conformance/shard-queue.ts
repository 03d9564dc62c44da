import type { ShardJob } from '@elbo/protocol/messages';
import { describe, expect, it } from 'vitest';
import { computeShard, hello, newMemory, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';
import { parameterCount, parameters, runId, type Stage } from './stage.js';

export function describeShardQueue(stage: Stage): void {
  describe('the queue of shards', () => {
    it('gives a worker no more at once than it has slots, and more when it gets more', async () => {
      const worker = await stage.bed.worker();
      const gates: (() => void)[] = [];
      let running = 0;
      let most = 0;
      const taker = worker.takeShards(async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => gates.push(resolve));
        running--;
      }, 2);
      await stage.channel.dispatch(Array.from({ length: 9 }, (_, shard) => stage.job(0, shard)));
      for (let done = 0; done < 4; done++) (await eventually('a shard runs', () => gates.shift()))();
      expect(most).toBe(2);
      taker.setSlots(3);
      for (let done = 0; done < 2; done++) (await eventually('a shard runs', () => gates.shift()))();
      await eventually('three run at once', () => running === 3);
      for (const open of gates.splice(0)) open();
      await taker.drain();
      expect(most).toBe(3);
    });

    it('gives a job out again whose handler rejects, three times at most, and says so', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      let calls = 0;
      worker.takeShards(async (taken) => {
        await worker.join(taken, hello('a'), newMemory);
        calls++;
        throw new Error(`attempt ${calls} went wrong`);
      }, 1);
      await stage.channel.dispatch([stage.job(0, 0)]);
      const failures = await stage.hooks.until('shardFailed', 3);
      expect(failures.map(({ message, willRetry }) => ({ message, willRetry }))).toEqual([
        { message: 'attempt 1 went wrong', willRetry: true },
        { message: 'attempt 2 went wrong', willRetry: true },
        { message: 'attempt 3 went wrong', willRetry: false },
      ]);
      expect(failures[2]?.job).toEqual(stage.job(0, 0));
    });

    it('gives a job that is dispatched twice to one worker, once', async () => {
      stage.channel.publish(0, parameters);
      await stage.channel.dispatch([stage.job(0, 0)]);
      await stage.channel.dispatch([stage.job(0, 0), stage.job(0, 1)]);
      const worker = await stage.bed.worker();
      const taken: number[] = [];
      worker.takeShards(async (job) => {
        taken.push(job.shard);
        await computeShard(worker, 'a', job);
      }, 1);
      await stage.hooks.until('contributed', 2);
      expect(taken).toEqual([0, 1]);
    });

    it('is gone around by a job that the conductor assigns to a member whose slots are taken', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      let calls = 0;
      worker.takeShards(async (job) => {
        calls++;
        await computeShard(worker, 'a', job);
      }, 1);
      // It waits in the only slot for parameters that are not there yet.
      await stage.channel.dispatch([stage.job(1, 0)]);
      await stage.hooks.until('shardTaken');
      expect(stage.channel.assign('b', stage.job(0, 1))).toBe(false);
      expect(stage.channel.assign('a', stage.job(0, 1))).toBe(true);
      const [contributed] = await stage.hooks.until('contributed');
      expect(contributed?.header.job).toEqual(stage.job(0, 1));
      stage.hooks.version = 1;
      stage.channel.publish(1, parameters);
      await stage.hooks.until('contributed', 2);
      expect(calls).toBe(2);
      await worker.close();
      const [left] = await stage.hooks.until('memberLeft');
      expect(left?.unfinished).toEqual([]);
    });

    it('does not give a job out again that nobody needs any more', async () => {
      stage.channel.publish(3, parameters);
      const worker = await stage.bed.worker();
      let calls = 0;
      worker.takeShards(async (taken) => {
        calls++;
        const membership = await worker.join(taken, hello('a'), newMemory);
        await membership.parametersFor(3);
        await membership.parametersFor(taken.parameterVersion);
        stage.hooks.version = 3;
        await computeShard(worker, 'a', taken);
      }, 1);
      await stage.channel.dispatch([stage.job(2, 0), stage.job(3, 0)]);
      await stage.hooks.until('contributed');
      expect(calls).toBe(2);
      expect(stage.hooks.all('shardFailed')).toEqual([]);
      await worker.close();
      expect((await stage.hooks.until('memberLeft'))[0]?.unfinished).toEqual([]);
    });

    it('drains: takes no more, and lets what runs finish', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      const gates: (() => void)[] = [];
      const taker = worker.takeShards(async (taken) => {
        await new Promise<void>((resolve) => gates.push(resolve));
        await computeShard(worker, 'a', taken);
      }, 1);
      await stage.channel.dispatch([stage.job(0, 0), stage.job(0, 1)]);
      const open = await eventually('a shard runs', () => gates[0]);
      const drained = taker.drain();
      open();
      await drained;
      expect(stage.hooks.all('contributed')).toHaveLength(1);
      const other = await stage.bed.worker();
      other.takeShards(async (taken) => void (await computeShard(other, 'b', taken)), 1);
      await stage.hooks.until('contributed', 2);
    });

    it('forgets the jobs of a run that is closed', async () => {
      await stage.channel.dispatch([stage.job(0, 0), stage.job(0, 1)]);
      await stage.channel.close();
      const next = new RecordingHooks(parameterCount);
      stage.channel = await stage.bed.conductor.openRun(resolvedRun(runId), stage.lease, next);
      stage.channel.publish(1, parameters);
      next.version = 1;
      const worker = await stage.bed.worker();
      const seen: ShardJob[] = [];
      worker.takeShards(async (taken) => {
        seen.push(taken);
        await computeShard(worker, 'a', taken);
      }, 1);
      await stage.channel.dispatch([stage.job(1, 0)]);
      await next.until('contributed');
      expect(seen).toEqual([stage.job(1, 0)]);
    });
  });
}
