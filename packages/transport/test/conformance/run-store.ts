import type { Lease } from '@elbo/transport/conductor-transport';
import { describe, expect, it } from 'vitest';
import { eventually } from '../recording-hooks.js';
import { runId, type Stage } from './stage.js';

export function describeRunStore(stage: Stage): void {
  describe('the store', () => {
    const snapshot = (step: number) => ({
      step,
      meta: JSON.stringify({ step }),
      tensors: new Uint8Array(100_000).map((_, i) => i + step),
    });

    it('lets one owner hold a lease, and gives each new one a higher token', async () => {
      const { store } = stage.bed.conductor;
      const first = await store.acquireLease('leased-run', 'first', 60_000);
      expect(first).toEqual({ runId: 'leased-run', token: 1, owner: 'first' });
      expect(await store.acquireLease('leased-run', 'second', 60_000)).toBeNull();
      await store.releaseLease(first as Lease);
      expect(await store.acquireLease('leased-run', 'second', 60_000)).toMatchObject({ token: 2 });
      await store.releaseLease(first as Lease);
      expect(await store.acquireLease('leased-run', 'third', 60_000)).toBeNull();
    });

    it('refuses every write of an owner whose lease ran out and went to another', async () => {
      const { store } = stage.bed.conductor;
      const deposed = (await store.acquireLease('fenced-run', 'deposed', 300)) as Lease;
      await store.saveSnapshot(deposed, snapshot(1));
      await store.saveRecord(deposed, '"first"');
      const holder = await eventually('the lease runs out', () => store.acquireLease('fenced-run', 'next', 60_000));
      const lost = { code: 'LEASE_LOST', runId: 'fenced-run', token: 1, holder: 2 };
      await expect(store.renewLease(deposed, 60_000)).rejects.toMatchObject(lost);
      await expect(store.saveSnapshot(deposed, snapshot(2))).rejects.toMatchObject(lost);
      await expect(store.deleteSnapshot(deposed)).rejects.toMatchObject(lost);
      await expect(store.saveRecord(deposed, '"late"')).rejects.toMatchObject(lost);
      expect((await store.loadSnapshot('fenced-run'))?.step).toBe(1);
      expect(await store.loadRecord('fenced-run')).toBe('"first"');
      await store.saveSnapshot(holder, snapshot(3));
      expect((await store.loadSnapshot('fenced-run'))?.step).toBe(3);
    });

    it('refuses an owner whose lease ran out though nobody else took it', async () => {
      const { store } = stage.bed.conductor;
      const expired = await store.acquireLease('expired-run', 'owner', 1);
      const lost = await eventually('the lease runs out', () =>
        store.saveRecord(expired as Lease, '1').then(
          () => null,
          (error: unknown) => error,
        ),
      );
      expect(lost).toMatchObject({ code: 'LEASE_LOST', holder: null });
    });

    it('renews a lease that ran out as long as nobody else has taken the run', async () => {
      const { store } = stage.bed.conductor;
      const paused = (await store.acquireLease('paused-run', 'paused', 1)) as Lease;
      await eventually('the lease runs out', () =>
        store.saveRecord(paused, '1').then(
          () => false,
          () => true,
        ),
      );
      await store.renewLease(paused, 300);
      expect(await store.acquireLease('paused-run', 'next', 60_000)).toBeNull();
      await eventually('the next holder', () => store.acquireLease('paused-run', 'next', 60_000));
      await expect(store.renewLease(paused, 60_000)).rejects.toMatchObject({ code: 'LEASE_LOST', holder: 2 });
    });

    it('keeps a lease that is renewed', async () => {
      const { store } = stage.bed.conductor;
      const owner = (await store.acquireLease('renewed-run', 'owner', 150)) as Lease;
      const start = performance.now();
      while (performance.now() - start < 400) {
        await store.renewLease(owner, 150);
        expect(await store.acquireLease('renewed-run', 'other', 150)).toBeNull();
      }
    });

    it('gives a snapshot back as it was saved, whatever its owner does with the memory afterwards', async () => {
      const { store } = stage.bed.conductor;
      expect(await store.loadSnapshot(runId)).toBeNull();
      for (const step of [1, 2]) {
        const saved = snapshot(step);
        await store.saveSnapshot(stage.lease, saved);
        saved.tensors.fill(0);
        const loaded = await store.loadSnapshot(runId);
        expect(loaded).toMatchObject({ step, meta: snapshot(step).meta });
        expect(Buffer.from(loaded?.tensors ?? []).equals(Buffer.from(snapshot(step).tensors))).toBe(true);
      }
      await store.deleteSnapshot(stage.lease);
      expect(await store.loadSnapshot(runId)).toBeNull();
    });

    it('keeps the record of a run', async () => {
      const { store } = stage.bed.conductor;
      expect(await store.loadRecord(runId)).toBeNull();
      await store.saveRecord(stage.lease, '{"state":"done"}');
      await store.releaseLease(stage.lease);
      expect(await store.loadRecord(runId)).toBe('{"state":"done"}');
    });
  });
}
