import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { computeShard, hello, newMemory, resolvedRun } from '../fixtures.js';
import { parameters, runId, type Stage } from './stage.js';

export function describeMemberships(stage: Stage): void {
  describe('membership', () => {
    it('is one for each worker and run, and is told to the conductor', async () => {
      const worker = await stage.bed.worker();
      let memories = 0;
      const countedMemory = () => {
        memories++;
        return newMemory();
      };
      const first = await worker.join(stage.job(0, 0), hello('a'), countedMemory);
      expect(await worker.join(stage.job(0, 1), hello('a'), countedMemory)).toBe(first);
      expect(memories).toBe(1);
      expect(first.run).toEqual(resolvedRun(runId));
      await stage.hooks.until('shardTaken', 2);
      expect(stage.hooks.all('memberJoined')).toEqual([{ hook: 'memberJoined', member: hello('a') }]);
      expect([...stage.channel.members.values()]).toEqual([hello('a')]);
    });

    it('ends with the jobs that the worker had taken and not contributed', async () => {
      stage.channel.publish(0, parameters);
      const worker = await stage.bed.worker();
      await computeShard(worker, 'a', stage.job(0, 0));
      const membership = await worker.join(stage.job(0, 1), hello('a'), newMemory);
      const buffer = await membership.contributionBuffer(stage.job(0, 1));
      await stage.hooks.until('shardTaken', 2);
      await worker.close();
      const [left] = await stage.hooks.until('memberLeft');
      expect(left).toMatchObject({ member: hello('a'), unfinished: [stage.job(0, 1)] });
      expect(stage.channel.members.size).toBe(0);
      expect(membership.signal.aborted).toBe(true);
      // The threads of a worker that left may write to memory that it was lent until it lets go of it.
      membership.discard(buffer);
      expect(stage.hooks.onLoan.size).toBe(0);
    });

    it('ends when the conductor closes the run, and so do those who wait', async () => {
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(9, 0), hello('a'), newMemory);
      const waiting = expect(membership.parametersFor(9)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
      await stage.channel.close();
      await waiting;
      expect(membership.signal.aborted).toBe(true);
      await expect(membership.parametersFor(9)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
      expect(stage.hooks.all('memberLeft')).toEqual([]);
    });

    it('is refused for a run that nobody conducts and for a lease that is not the one', async () => {
      const worker = await stage.bed.worker();
      const stranger = { ...stage.job(0, 0), runId: 'another-run' };
      await expect(worker.join(stranger, hello('a'), newMemory)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
      const deposed = { ...stage.job(0, 0), lease: stage.lease.token + 1 };
      await expect(worker.join(deposed, hello('a'), newMemory)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
      expect(stage.hooks.events).toEqual([]);
    });

    it('is refused to a worker that the conductor does not want, with its reason', async () => {
      stage.hooks.refusal = 'its engine is another';
      const worker = await stage.bed.worker();
      const joining = worker.join(stage.job(0, 0), hello('a'), newMemory);
      await expect(joining).rejects.toMatchObject({ code: 'MEMBER_REFUSED', why: 'its engine is another' });
      expect(stage.channel.members.size).toBe(0);
      expect(stage.hooks.all('memberJoined')).toEqual([]);
    });

    it('fetches data sets by their hash, from any byte on', async () => {
      const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7);
      const hash = createHash('sha256').update(bytes).digest('hex');
      stage.hooks.dataset = { hash, bytes };
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(0, 0), hello('a'), newMemory);
      for (const from of [0, 1, 2_999_999, 3_000_000]) {
        const { totalBytes, chunks } = await membership.fetchDataset(hash, from);
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk);
        expect(totalBytes).toBe(bytes.length);
        expect(Buffer.concat(parts).equals(bytes.subarray(from))).toBe(true);
      }
      const unknown = membership.fetchDataset('0'.repeat(64), 0);
      await expect(unknown).rejects.toMatchObject({ code: 'DATASET_UNAVAILABLE', temporary: false });
    });
  });
}
