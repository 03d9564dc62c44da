import type { ShardJob } from '@elbo/protocol/messages';
import { describe, expect, it } from 'vitest';
import { computeShard, expectedGradient, header, hello, newMemory, sameBits } from '../fixtures.js';
import { parameterCount, parameters, type Stage } from './stage.js';

export function describeShards(stage: Stage): void {
  describe('the way of a shard', () => {
    it('carries parameters to workers and gradients back, bit for bit', async () => {
      for (const workerId of ['a', 'b']) {
        const worker = await stage.bed.worker();
        worker.takeShards(async (taken) => void (await computeShard(worker, workerId, taken)), 1);
      }
      for (let version = 0; version < 4; version++) {
        stage.hooks.version = version;
        const current = parameters.map((value) => value + version);
        stage.channel.publish(version, current);
        await stage.channel.dispatch([stage.job(version, 0), stage.job(version, 1)]);
        const contributions = await stage.hooks.until('contributed', 2 * (version + 1));
        for (const { header: told, gradient } of contributions.slice(-2)) {
          expect(told).toEqual(header(told.job, told.workerId));
          expect(sameBits(gradient, expectedGradient(current, told.job.shard))).toBe(true);
        }
      }
      expect(stage.hooks.onLoan.size).toBe(0);
    });

    it('carries an evaluation without a tensor', async () => {
      const worker = await stage.bed.worker();
      const { step: _, ...common } = stage.job(0, 0);
      const evaluation: ShardJob = { ...common, kind: 'evaluation', epoch: 3, split: 'test' };
      const membership = await worker.join(evaluation, hello('a'), newMemory);
      expect(await membership.contribute(header(evaluation, 'a'), null)).toEqual({ accepted: true });
      expect(stage.hooks.all('contributed')[0]).toMatchObject({ header: header(evaluation, 'a'), gradient: null });
    });

    it('gives each job to one worker, whichever is free', async () => {
      stage.channel.publish(0, parameters);
      const seen: string[] = [];
      for (const workerId of ['a', 'b', 'c']) {
        const worker = await stage.bed.worker();
        worker.takeShards(async (taken) => {
          seen.push(`${taken.shard}`);
          await computeShard(worker, workerId, taken);
        }, 1);
      }
      await stage.channel.dispatch(Array.from({ length: 12 }, (_, shard) => stage.job(0, shard)));
      await stage.hooks.until('contributed', 12);
      expect(seen.toSorted()).toEqual(Array.from({ length: 12 }, (_, shard) => `${shard}`).toSorted());
    });

    it('tells a worker that its contribution is a duplicate', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      await computeShard(worker, 'a', stage.job(0, 0));
      const again = { ...stage.job(0, 0), attempt: 1 };
      const membership = await worker.join(again, hello('a'), newMemory);
      const gradient = await membership.contributionBuffer(again);
      const reply = await membership.contribute(header(again, 'a'), gradient);
      expect(reply).toMatchObject({ accepted: false, reason: 'duplicate' });
      expect(stage.hooks.all('contributed')).toHaveLength(1);
    });

    it('counts one of two contributions that were both admitted', async () => {
      stage.channel.publish(0, parameters);
      const [first, second] = [await stage.bed.worker(), await stage.bed.worker()];
      const backup = { ...stage.job(0, 0), attempt: 1 };
      const a = await first.join(stage.job(0, 0), hello('a'), newMemory);
      const b = await second.join(backup, hello('b'), newMemory);
      const buffers = [await a.contributionBuffer(stage.job(0, 0)), await b.contributionBuffer(backup)] as const;
      const replies = await Promise.all([
        a.contribute(header(stage.job(0, 0), 'a'), buffers[0]),
        b.contribute(header(backup, 'b'), buffers[1]),
      ]);
      expect(replies.map((reply) => reply.accepted).toSorted()).toEqual([false, true]);
      expect(stage.hooks.onLoan.size).toBe(0);
    });

    it('tells a worker that its contribution comes too late', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(0, 0), hello('a'), newMemory);
      await membership.parametersFor(0);
      stage.hooks.version = 1;
      const gradient = await membership.contributionBuffer(stage.job(0, 0));
      const reply = await membership.contribute(header(stage.job(0, 0), 'a'), gradient);
      expect(reply).toMatchObject({ accepted: false, reason: 'wrong-step', message: 'the run is at version 1' });
    });

    it('takes a gradient buffer back once', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(0, 0), hello('a'), newMemory);
      const gradient = await membership.contributionBuffer(stage.job(0, 0));
      expect(gradient).toHaveLength(parameterCount);
      membership.discard(gradient);
      expect(() => membership.discard(gradient)).toThrow(expect.objectContaining({ code: 'UNKNOWN_BUFFER' }));
      await expect(membership.contribute(header(stage.job(0, 0), 'a'), gradient)).rejects.toMatchObject({
        code: 'UNKNOWN_BUFFER',
      });
      expect(stage.hooks.onLoan.size).toBe(0);
    });
  });
}
