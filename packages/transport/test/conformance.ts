import { createHash } from 'node:crypto';
import type { ShardJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease, RunChannel } from '@elbo/transport/conductor-transport';
import type { WorkerTransport } from '@elbo/transport/worker-transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allocate, computeShard, expectedGradient, gradientJob, header, hello, resolvedRun, spec } from './fixtures.js';
import { eventually, RecordingHooks } from './recording-hooks.js';

/** A transport under test, both sides of it. */
export interface TransportBed {
  readonly conductor: ConductorTransport;
  worker(): Promise<WorkerTransport>;
  close(): Promise<void>;
}

const parameterCount = 70_001;
const runId = 'conformance-run';

/** What every transport must do. */
export function describeTransport(name: string, open: () => Promise<TransportBed>): void {
  describe(name, () => {
    let bed: TransportBed;
    let lease: Lease;
    let hooks: RecordingHooks;
    let channel: RunChannel;
    const parameters = Float32Array.from({ length: parameterCount }, (_, i) => Math.sin(i));
    const job = (version: number, shard: number) => gradientJob(channel, runId, lease.token, version, shard);

    beforeEach(async () => {
      bed = await open();
      lease = (await bed.conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
      hooks = new RecordingHooks(parameterCount);
      channel = await bed.conductor.openRun(resolvedRun(runId), lease, hooks);
    });
    afterEach(async () => {
      await channel.close();
      await bed.close();
    });

    describe('the way of a shard', () => {
      it('carries parameters to workers and gradients back, bit for bit', async () => {
        for (const workerId of ['a', 'b']) {
          const worker = await bed.worker();
          worker.takeShards(async (taken) => void (await computeShard(worker, workerId, taken)), 1);
        }
        for (let version = 0; version < 4; version++) {
          hooks.version = version;
          const current = parameters.map((value) => value + version);
          channel.publish(version, current);
          await channel.dispatch([job(version, 0), job(version, 1)]);
          const contributions = await hooks.until('contributed', 2 * (version + 1));
          for (const { header: told, gradient } of contributions.slice(-2)) {
            expect(told).toEqual(header(told.job, told.workerId));
            expect(Buffer.from(gradient?.buffer as ArrayBuffer)).toEqual(
              Buffer.from(expectedGradient(current, told.job.shard).buffer),
            );
          }
        }
        expect(hooks.onLoan.size).toBe(0);
      });

      it('carries an evaluation without a tensor', async () => {
        const worker = await bed.worker();
        const { step: _, ...common } = job(0, 0);
        const evaluation: ShardJob = { ...common, kind: 'evaluation', epoch: 3, split: 'test' };
        const membership = await worker.join(evaluation, hello('a'), allocate);
        expect(await membership.contribute(header(evaluation, 'a'), null)).toEqual({ accepted: true });
        expect(hooks.all('contributed')[0]).toMatchObject({ header: header(evaluation, 'a'), gradient: null });
      });

      it('gives each job to one worker, whichever is free', async () => {
        channel.publish(0, parameters);
        const seen: string[] = [];
        for (const workerId of ['a', 'b', 'c']) {
          const worker = await bed.worker();
          worker.takeShards(async (taken) => {
            seen.push(`${taken.shard}`);
            await computeShard(worker, workerId, taken);
          }, 1);
        }
        await channel.dispatch(Array.from({ length: 12 }, (_, shard) => job(0, shard)));
        await hooks.until('contributed', 12);
        expect(seen.toSorted()).toEqual(Array.from({ length: 12 }, (_, shard) => `${shard}`).toSorted());
      });

      it('tells a worker that its contribution is a duplicate', async () => {
        channel.publish(0, parameters);
        const worker = await bed.worker();
        await computeShard(worker, 'a', job(0, 0));
        const again = { ...job(0, 0), attempt: 1 };
        const membership = await worker.join(again, hello('a'), allocate);
        const gradient = await membership.contributionBuffer(again);
        const reply = await membership.contribute(header(again, 'a'), gradient);
        expect(reply).toMatchObject({ accepted: false, reason: 'duplicate' });
        expect(hooks.all('contributed')).toHaveLength(1);
      });

      it('counts one of two contributions that were both admitted', async () => {
        channel.publish(0, parameters);
        const [first, second] = [await bed.worker(), await bed.worker()];
        const backup = { ...job(0, 0), attempt: 1 };
        const a = await first.join(job(0, 0), hello('a'), allocate);
        const b = await second.join(backup, hello('b'), allocate);
        const buffers = [await a.contributionBuffer(job(0, 0)), await b.contributionBuffer(backup)] as const;
        const replies = await Promise.all([
          a.contribute(header(job(0, 0), 'a'), buffers[0]),
          b.contribute(header(backup, 'b'), buffers[1]),
        ]);
        expect(replies.map((reply) => reply.accepted).toSorted()).toEqual([false, true]);
        expect(hooks.onLoan.size).toBe(0);
      });

      it('tells a worker that its contribution comes too late', async () => {
        channel.publish(0, parameters);
        const worker = await bed.worker();
        const membership = await worker.join(job(0, 0), hello('a'), allocate);
        await membership.parametersFor(0);
        hooks.version = 1;
        const gradient = await membership.contributionBuffer(job(0, 0));
        const reply = await membership.contribute(header(job(0, 0), 'a'), gradient);
        expect(reply).toMatchObject({ accepted: false, reason: 'wrong-step', message: 'the run is at version 1' });
      });

      it('takes a gradient buffer back once', async () => {
        channel.publish(0, parameters);
        const worker = await bed.worker();
        const membership = await worker.join(job(0, 0), hello('a'), allocate);
        const gradient = await membership.contributionBuffer(job(0, 0));
        expect(gradient).toHaveLength(parameterCount);
        membership.discard(gradient);
        expect(() => membership.discard(gradient)).toThrow(expect.objectContaining({ code: 'UNKNOWN_BUFFER' }));
        await expect(membership.contribute(header(job(0, 0), 'a'), gradient)).rejects.toMatchObject({
          code: 'UNKNOWN_BUFFER',
        });
        expect(hooks.onLoan.size).toBe(0);
      });
    });

    describe('parameters', () => {
      it('are waited for until their version is published', async () => {
        const worker = await bed.worker();
        const membership = await worker.join(job(1, 0), hello('a'), allocate);
        const coming = membership.parametersFor(1);
        channel.publish(0, parameters);
        await membership.parametersFor(0);
        channel.publish(
          1,
          parameters.map((value) => value + 1),
        );
        expect((await coming)[5]).toBe(Math.fround(Math.fround(Math.sin(5)) + 1));
      });

      it('of a version that the conductor has left behind are refused', async () => {
        const worker = await bed.worker();
        const membership = await worker.join(job(5, 0), hello('a'), allocate);
        const overtaken = membership.parametersFor(4);
        const refused = expect(overtaken).rejects.toMatchObject({ code: 'STALE_VERSION', wanted: 4, current: 5 });
        channel.publish(5, parameters);
        await refused;
        await membership.parametersFor(5);
        await expect(membership.parametersFor(3)).rejects.toMatchObject({ code: 'STALE_VERSION' });
      });

      it('reach a worker that joins after they were published', async () => {
        channel.publish(7, parameters);
        const worker = await bed.worker();
        const membership = await worker.join(job(7, 0), hello('late'), allocate);
        expect(Buffer.from((await membership.parametersFor(7)).buffer)).toEqual(Buffer.from(parameters.buffer));
      });
    });

    describe('membership', () => {
      it('is one for each worker and run, and is told to the conductor', async () => {
        const worker = await bed.worker();
        const first = await worker.join(job(0, 0), hello('a'), allocate);
        expect(await worker.join(job(0, 1), hello('a'), allocate)).toBe(first);
        expect(first.run).toEqual(resolvedRun(runId));
        await hooks.until('shardTaken', 2);
        expect(hooks.all('memberJoined')).toEqual([{ hook: 'memberJoined', member: hello('a') }]);
        expect([...channel.members.values()]).toEqual([hello('a')]);
      });

      it('ends with the jobs that the worker had taken and not contributed', async () => {
        channel.publish(0, parameters);
        const worker = await bed.worker();
        await computeShard(worker, 'a', job(0, 0));
        const membership = await worker.join(job(0, 1), hello('a'), allocate);
        await membership.contributionBuffer(job(0, 1));
        await hooks.until('shardTaken', 2);
        await worker.close();
        const [left] = await hooks.until('memberLeft');
        expect(left).toMatchObject({ member: hello('a'), unfinished: [job(0, 1)] });
        expect(channel.members.size).toBe(0);
        expect(hooks.onLoan.size).toBe(0);
        expect(membership.signal.aborted).toBe(true);
      });

      it('ends when the conductor closes the run, and so do those who wait', async () => {
        const worker = await bed.worker();
        const membership = await worker.join(job(9, 0), hello('a'), allocate);
        const waiting = expect(membership.parametersFor(9)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
        await channel.close();
        await waiting;
        expect(membership.signal.aborted).toBe(true);
        await expect(membership.parametersFor(9)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
        expect(hooks.all('memberLeft')).toEqual([]);
      });

      it('is refused for a run that nobody conducts and for a lease that is not the one', async () => {
        const worker = await bed.worker();
        const stranger = { ...job(0, 0), runId: 'another-run' };
        await expect(worker.join(stranger, hello('a'), allocate)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
        const deposed = { ...job(0, 0), lease: lease.token + 1 };
        await expect(worker.join(deposed, hello('a'), allocate)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
        expect(hooks.events).toEqual([]);
      });

      it('fetches data sets by their hash', async () => {
        const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7);
        const hash = createHash('sha256').update(bytes).digest('hex');
        hooks.dataset = { hash, bytes };
        const worker = await bed.worker();
        const membership = await worker.join(job(0, 0), hello('a'), allocate);
        expect(Buffer.from(await membership.fetchDataset(hash)).equals(Buffer.from(bytes))).toBe(true);
        const unknown = membership.fetchDataset('0'.repeat(64));
        await expect(unknown).rejects.toMatchObject({ code: 'DATASET_UNAVAILABLE' });
      });
    });

    describe('the queue of shards', () => {
      it('gives a worker no more at once than it has slots, and more when it gets more', async () => {
        const worker = await bed.worker();
        const gates: (() => void)[] = [];
        let running = 0;
        let most = 0;
        const taker = worker.takeShards(async () => {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => gates.push(resolve));
          running--;
        }, 2);
        await channel.dispatch(Array.from({ length: 9 }, (_, shard) => job(0, shard)));
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
        channel.publish(0, parameters);
        const worker = await bed.worker();
        let calls = 0;
        worker.takeShards(async (taken) => {
          await worker.join(taken, hello('a'), allocate);
          calls++;
          throw new Error(`attempt ${calls} went wrong`);
        }, 1);
        await channel.dispatch([job(0, 0)]);
        const failures = await hooks.until('shardFailed', 3);
        expect(failures.map(({ message, willRetry }) => ({ message, willRetry }))).toEqual([
          { message: 'attempt 1 went wrong', willRetry: true },
          { message: 'attempt 2 went wrong', willRetry: true },
          { message: 'attempt 3 went wrong', willRetry: false },
        ]);
        expect(failures[2]?.job).toEqual(job(0, 0));
      });

      it('drains: takes no more, and lets what runs finish', async () => {
        channel.publish(0, parameters);
        const worker = await bed.worker();
        const gate = Promise.withResolvers<void>();
        const taker = worker.takeShards(async (taken) => {
          await gate.promise;
          await computeShard(worker, 'a', taken);
        }, 1);
        await channel.dispatch([job(0, 0), job(0, 1)]);
        await bed.worker();
        const drained = taker.drain();
        gate.resolve();
        await drained;
        expect(hooks.all('contributed').length).toBeLessThanOrEqual(1);
        const other = await bed.worker();
        other.takeShards(async (taken) => void (await computeShard(other, 'b', taken)), 1);
        await hooks.until('contributed', 2);
      });

      it('forgets the jobs of a run that is closed', async () => {
        await channel.dispatch([job(0, 0), job(0, 1)]);
        await channel.close();
        const next = new RecordingHooks(parameterCount);
        channel = await bed.conductor.openRun(resolvedRun(runId), lease, next);
        channel.publish(1, parameters);
        next.version = 1;
        const worker = await bed.worker();
        const seen: ShardJob[] = [];
        worker.takeShards(async (taken) => {
          seen.push(taken);
          await computeShard(worker, 'a', taken);
        }, 1);
        await channel.dispatch([job(1, 0)]);
        await next.until('contributed');
        expect(seen).toEqual([job(1, 0)]);
      });
    });

    describe('the queue of runs', () => {
      it('gives out runs one at a time, goes on after one that fails, and drains', async () => {
        const seen: string[] = [];
        let running = 0;
        const runs = bed.conductor.conductRuns(async (run) => {
          expect(++running).toBe(1);
          seen.push(run.runId);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          if (run.runId === 'run-1') throw new Error('this one fails');
        });
        for (const id of ['run-1', 'run-2', 'run-3']) await bed.conductor.submitRun({ runId: id, spec });
        await eventually('three runs', () => seen.length === 3);
        await runs.drain();
        await bed.conductor.submitRun({ runId: 'run-4', spec });
        expect(seen).toEqual(['run-1', 'run-2', 'run-3']);
        const others = bed.conductor.conductRuns(async (run) => void seen.push(run.runId));
        await eventually('the fourth run', () => seen.length === 4);
        await others.drain();
      });
    });

    describe('the store', () => {
      const snapshot = (step: number) => ({
        step,
        meta: JSON.stringify({ step }),
        tensors: new Uint8Array(100_000).map((_, i) => i + step),
      });

      it('lets one owner hold a lease, and gives each new one a higher token', async () => {
        const { store } = bed.conductor;
        const first = await store.acquireLease('leased-run', 'first', 60_000);
        expect(first).toEqual({ runId: 'leased-run', token: 1, owner: 'first' });
        expect(await store.acquireLease('leased-run', 'second', 60_000)).toBeNull();
        await store.releaseLease(first as Lease);
        expect(await store.acquireLease('leased-run', 'second', 60_000)).toMatchObject({ token: 2 });
        await store.releaseLease(first as Lease);
        expect(await store.acquireLease('leased-run', 'third', 60_000)).toBeNull();
      });

      it('refuses every write of an owner whose lease ran out and went to another', async () => {
        const { store } = bed.conductor;
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
        const { store } = bed.conductor;
        const expired = await store.acquireLease('expired-run', 'owner', 1);
        const lost = await eventually('the lease runs out', () =>
          store.saveRecord(expired as Lease, '1').then(
            () => null,
            (error: unknown) => error,
          ),
        );
        expect(lost).toMatchObject({ code: 'LEASE_LOST', holder: null });
      });

      it('keeps a lease that is renewed', async () => {
        const { store } = bed.conductor;
        const owner = (await store.acquireLease('renewed-run', 'owner', 150)) as Lease;
        const start = performance.now();
        while (performance.now() - start < 400) {
          await store.renewLease(owner, 150);
          expect(await store.acquireLease('renewed-run', 'other', 150)).toBeNull();
        }
      });

      it('gives a snapshot back as it was saved, whatever its owner does with the memory afterwards', async () => {
        const { store } = bed.conductor;
        expect(await store.loadSnapshot(runId)).toBeNull();
        for (const step of [1, 2]) {
          const saved = snapshot(step);
          await store.saveSnapshot(lease, saved);
          saved.tensors.fill(0);
          const loaded = await store.loadSnapshot(runId);
          expect(loaded).toMatchObject({ step, meta: snapshot(step).meta });
          expect(Buffer.from(loaded?.tensors ?? []).equals(Buffer.from(snapshot(step).tensors))).toBe(true);
        }
        await store.deleteSnapshot(lease);
        expect(await store.loadSnapshot(runId)).toBeNull();
      });

      it('keeps the record of a run', async () => {
        const { store } = bed.conductor;
        expect(await store.loadRecord(runId)).toBeNull();
        await store.saveRecord(lease, '{"state":"done"}');
        await store.releaseLease(lease);
        expect(await store.loadRecord(runId)).toBe('{"state":"done"}');
      });
    });
  });
}
