import type { RunState, WorkerReport } from '@elbo/protocol/cluster';
import type { RunEvent, StepEvent } from '@elbo/protocol/events';
import type { RunJob } from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import type { Lease } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { removeKeysOfRun } from '@elbo/transport/redis/remove-keys';
import { createRedisRunDirectory, type RedisRunDirectory } from '@elbo/transport/redis/run-directory';
import { readEventsAfter } from '@elbo/transport/redis/run-events';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import type { RunRecorder } from '@elbo/transport/run-directory';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { hello } from '../fixtures.js';
import { eventually } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

const spec = runSpecSchema.parse({ name: 'listed', dataset: { name: 'mnist' }, training: { epochs: 3 } });
const launch = { priority: 'normal', workerLimit: null } as const;
const week = 7 * 24 * 3600 * 1000;

describe.skipIf(!redisForTests)('the run directory', () => {
  let redis: TestRedis;
  let client: Redis;
  let prefix: string;
  let directory: RedisRunDirectory;
  let conductor: RedisConductorTransport;
  beforeAll(async () => {
    redis = await startTestRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });
  beforeEach(async () => {
    prefix = redis.freshPrefix();
    directory = await createRedisRunDirectory({ redisUrl: redis.url, prefix });
    conductor = await createRedisConductorTransport({ redisUrl: redis.url, prefix, token: 'secret' });
  });
  afterEach(async () => {
    await conductor.close();
    await directory.close();
  });

  const key = (runId: string, what: string) => `${prefix}:{${runId}}:${what}`;
  const jobOf = (runId: string): RunJob => ({ runId, spec, ...launch });
  const begin = async (runId: string): Promise<{ lease: Lease; recorder: RunRecorder }> => {
    const lease = (await conductor.store.acquireLease(runId, 'a coordinator', 60_000)) as Lease;
    return { lease, recorder: (await conductor.directory.begin(lease, jobOf(runId))) as RunRecorder };
  };
  const stateOf = async (runId: string) => (await directory.find(runId))?.state;
  const queued = () => client.zcard(`{${prefix}}:runs:prioritized`);

  it('lists what was submitted, newest first, and takes an id once', async () => {
    await directory.submit('run-first', spec, launch);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await directory.submit('run-second', spec, { priority: 'high', workerLimit: 3 });
    const runs = await directory.list();
    expect(runs.map(({ runId }) => runId)).toEqual(['run-second', 'run-first']);
    expect(runs[0]).toMatchObject({ state: 'queued', priority: 'high', workerLimit: 3, name: 'listed', epochs: 3 });
    expect(await directory.find('run-first')).toMatchObject({ spec, parameterCount: null, totalSteps: null });
    expect(await directory.find('run-unknown')).toBeNull();
    expect(await directory.find('*')).toBeNull();
    await expect(directory.submit('run-first', spec, launch)).rejects.toMatchObject({ code: 'RUN_EXISTS' });
    expect(await queued()).toBe(2);
  });

  it('shows what a conductor tells: progress, events with places, and the end', async () => {
    await directory.submit('run-told', spec, launch);
    const { lease, recorder } = await begin('run-told');
    for (const event of story('run-told')) recorder.event(event);
    await eventually(
      'the events are there',
      async () => (await directory.eventsAfter('run-told', null)).events.length === 4,
    );
    expect(await directory.find('run-told')).toMatchObject({
      state: 'running',
      coordinator: 'a coordinator',
      epoch: 1,
      step: 10,
      totalSteps: 30,
      latest: { elbo: -90 },
      elboHistory: [-90],
      parameterCount: 1000,
      klPerDimension: [1, 2],
    });
    const { events } = await directory.eventsAfter('run-told', null);
    // Of the steps between two writes, the last.
    expect(events.map(({ id, event }) => [id, event.event])).toEqual([
      ['1-0', 'run-started'],
      ['2-0', 'step'],
      ['3-0', 'epoch'],
      ['4-0', 'notice'],
    ]);
    expect(events[1]?.event).toMatchObject({ step: 10 });
    expect(await directory.eventsAfter('run-told', '2-0')).toEqual({ events: events.slice(2), gap: false });
    expect(await directory.eventsAfter('run-told', '4-0')).toEqual({ events: [], gap: false });
    expect(await recorder.settle('completed')).toBe('completed');
    await conductor.store.releaseLease(lease);
    expect(await directory.find('run-told')).toMatchObject({ state: 'completed', coordinator: null });
    for (const what of ['record', 'events']) {
      expect(await client.pttl(key('run-told', what))).toBeGreaterThan(week - 60_000);
    }
  });

  it('misses nothing when an event comes while it looks for more', async () => {
    const stream = `${prefix}:stream`;
    const add = (place: number) => client.xadd(stream, `${place}-0`, 'event', '{}');
    await add(1);
    const late = Object.create(client, {
      xrange: {
        value: async (...args: Parameters<Redis['xrange']>) => {
          const found = await client.xrange(...args);
          await add(2);
          return found;
        },
      },
    });
    expect(await readEventsAfter(late, stream, '1-0')).toEqual({ events: [], gap: false });
    await client.del(stream);
  });

  it('keeps a bounded number of events, and says so to whoever comes back for others', async () => {
    const { recorder } = await begin('run-of-many-events');
    const notice = (i: number): RunEvent => {
      return { event: 'notice', runId: 'run-of-many-events', time: i, level: 'info', code: 'n', message: `${i}` };
    };
    for (let batch = 0; batch < 4; batch++) {
      for (let i = 0; i < 250; i++) recorder.event(notice(250 * batch + i));
      await eventually('they are written', async () => {
        const { events } = await directory.eventsAfter('run-of-many-events', null);
        return events.at(-1)?.id === `${250 * (batch + 1)}-0`;
      });
    }
    const { events } = await directory.eventsAfter('run-of-many-events', null);
    expect(events.length).toBe(655);
    expect(await client.memory('USAGE', key('run-of-many-events', 'events'), 'SAMPLES', 0)).toBeLessThan(512 * 1024);
    expect((await directory.eventsAfter('run-of-many-events', '10-0')).gap).toBe(true);
    expect((await directory.eventsAfter('run-of-many-events', '345-0')).gap).toBe(false);
    // Places that this stream never gave out.
    for (const id of ['2000-0', 'nonsense', '9'.repeat(40), '-', '1-1']) {
      expect((await directory.eventsAfter('run-of-many-events', id)).gap).toBe(true);
    }
    await recorder.settle('completed');
    expect(await client.xlen(key('run-of-many-events', 'events'))).toBe(100);
  });

  it('is written by who holds the lease, and by nobody who lost it', async () => {
    await directory.submit('run-taken-over', spec, launch);
    const { lease, recorder: deposed } = await begin('run-taken-over');
    await conductor.store.releaseLease(lease);
    const { recorder } = await begin('run-taken-over');
    deposed.event(story('run-taken-over')[0] as RunEvent);
    await expect(deposed.settle('failed', { code: 'X', message: 'x' })).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await expect(conductor.directory.begin(lease, jobOf('run-taken-over'))).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
    expect(await directory.find('run-taken-over')).toMatchObject({ state: 'running', error: null });
    expect((await directory.eventsAfter('run-taken-over', null)).events).toEqual([]);
    expect(await recorder.settle('failed', { code: 'X', message: 'x' })).toBe('failed');
    expect(await directory.find('run-taken-over')).toMatchObject({ state: 'failed', error: { code: 'X' } });
  });

  it('passes over what somebody forged', async () => {
    await directory.submit('run-honest', spec, launch);
    const { recorder } = await begin('run-honest');
    recorder.event(story('run-honest')[0] as RunEvent);
    await eventually(
      'it is written',
      async () => (await directory.eventsAfter('run-honest', null)).events.length === 1,
    );
    await client.xadd(key('run-honest', 'events'), '2-0', 'event', '{"event":"step"}');
    await client.xadd(key('run-honest', 'events'), '3-0', 'event', 'not JSON');
    await client.xadd(key('run-honest', 'events'), '4-0', 'other', 'x', 'event', '{}');
    expect(await directory.eventsAfter('run-honest', null)).toMatchObject({ events: [{ id: '1-0' }], gap: false });
    await client.hset(key('run-forged', 'record'), { state: 'running', spec: '{"__proto__":1}', launch: '{}' });
    await client.set(key('run-of-another-kind', 'record'), 'a string');
    await client.zadd(`${prefix}:runs`, 1, 'run-forged', 2, 'run-of-another-kind', 3, '../../etc/passwd');
    expect((await directory.list()).map(({ runId }) => runId)).toEqual(['run-honest']);
    expect(await directory.find('run-forged')).toBeNull();
    await client.zadd(`${prefix}:workers`, Date.now(), 'forged');
    await client.set(`${prefix}:worker:forged`, '{"workerId":7}');
    expect(await directory.workers()).toEqual([]);
  });

  it('keeps the newest thousand runs, and forgets none that is not over', { timeout: 120_000 }, async () => {
    const record = { spec: JSON.stringify(spec), launch: JSON.stringify(launch), submittedAt: 1 };
    const fill = client.pipeline();
    for (let i = 0; i < 1000; i++) {
      const runId = `run-${String(i).padStart(4, '0')}`;
      fill.hset(key(runId, 'record'), { ...record, state: i === 1 || i === 3 ? 'completed' : 'paused' });
      fill.zadd(`${prefix}:runs`, i, runId);
    }
    await fill.exec();
    await directory.submit('run-new', spec, launch);
    await directory.submit('run-newer', spec, launch);
    const ids = (await directory.list()).map(({ runId }) => runId);
    expect(ids).toHaveLength(1000);
    expect(ids.slice(0, 2)).toEqual(['run-newer', 'run-new']);
    expect(ids.slice(-3)).toEqual(['run-0004', 'run-0002', 'run-0000']);
    expect(await client.exists(key('run-0001', 'record'))).toBe(0);
    await expect(directory.submit('run-too-many', spec, launch)).rejects.toMatchObject({ code: 'DIRECTORY_FULL' });
    expect(await directory.find('run-too-many')).toBeNull();
  });

  describe('told what people want', () => {
    const refusals: Record<string, [RunState, 'run' | 'pause' | 'cancel'][]> = {
      completed: [
        ['completed', 'run'],
        ['completed', 'pause'],
        ['completed', 'cancel'],
      ],
      cancelled: [
        ['cancelled', 'run'],
        ['cancelled', 'pause'],
      ],
      failed: [
        ['failed', 'pause'],
        ['failed', 'cancel'],
      ],
    };
    for (const [end, cases] of Object.entries(refusals)) {
      it(`of a run that is ${end}, says that there is nothing left to do`, async () => {
        await directory.submit('run-over', spec, launch);
        const { lease, recorder } = await begin('run-over');
        if (end === 'cancelled') await directory.want('run-over', 'cancel');
        await recorder.settle(end === 'cancelled' ? 'paused' : (end as 'completed' | 'failed'));
        await conductor.store.releaseLease(lease);
        for (const [state, wanted] of cases) {
          await expect(directory.want('run-over', wanted)).rejects.toMatchObject({ code: 'RUN_OVER', state, wanted });
        }
      });
    }

    it('of a run that it does not know, says so', async () => {
      for (const runId of ['run-nobody-knows', 'not an id']) {
        await expect(directory.want(runId, 'pause')).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });
      }
    });

    it('of one that waits, takes it out of the queue and puts it back', async () => {
      await directory.submit('run-waiting', spec, { ...launch, priority: 'high' });
      for (const twice of [1, 2]) {
        expect(await directory.want('run-waiting', 'pause'), `${twice}`).toBe('paused');
        expect(await queued()).toBe(0);
      }
      // Paused for months: nothing of it may expire.
      expect(await client.pttl(key('run-waiting', 'record'))).toBe(-1);
      for (const twice of [1, 2]) {
        expect(await directory.want('run-waiting', 'run'), `${twice}`).toBe('queued');
        expect(await queued()).toBe(1);
      }
      const taken = new Promise<RunJob>((resolve) => conductor.conductRuns(async (job) => resolve(job)));
      expect(await taken).toEqual({ ...jobOf('run-waiting'), priority: 'high' });
    });

    it('of one that waits, cancels it with its snapshot', async () => {
      await directory.submit('run-unwanted', spec, launch);
      const { lease, recorder } = await begin('run-unwanted');
      await conductor.store.saveSnapshot(lease, { step: 1, meta: '{}', tensors: new Uint8Array(100) });
      expect(await recorder.settle('queued')).toBe('queued');
      await conductor.store.releaseLease(lease);
      for (const _ of [1, 2]) expect(await directory.want('run-unwanted', 'cancel')).toBe('cancelled');
      expect(await queued()).toBe(0);
      expect(await conductor.store.loadSnapshot('run-unwanted')).toBeNull();
      expect(await client.pttl(key('run-unwanted', 'record'))).toBeGreaterThan(week - 60_000);
    });

    it('of one that is conducted, tells its conductor, and the last wish counts', async () => {
      await directory.submit('run-conducted', spec, launch);
      const { recorder } = await begin('run-conducted');
      expect(await recorder.wanted()).toBe('run');
      expect(await directory.want('run-conducted', 'pause')).toBe('running');
      expect(await recorder.wanted()).toBe('pause');
      expect(await directory.want('run-conducted', 'run')).toBe('running');
      expect(await recorder.wanted()).toBe('run');
      // It was saving itself meanwhile: back into the queue with it.
      expect(await recorder.settle('paused')).toBe('queued');
    });

    it('of one whose coordinator died, does it without one', async () => {
      for (const [wanted, state] of [
        ['pause', 'paused'],
        ['cancel', 'cancelled'],
      ] as const) {
        const runId = `run-orphaned-${state}`;
        await directory.submit(runId, spec, launch);
        const { lease } = await begin(runId);
        await conductor.store.saveSnapshot(lease, { step: 1, meta: '{}', tensors: new Uint8Array(100) });
        await directory.want(runId, wanted);
        expect(await stateOf(runId)).toBe('running');
        await client.del(key(runId, 'lease'));
        expect(await stateOf(runId)).toBe(state);
        // The next coordinator finds it so, and lets its job go; so does whoever asks again.
        const next = (await conductor.store.acquireLease(runId, 'another', 60_000)) as Lease;
        expect(await conductor.directory.begin(next, jobOf(runId))).toBeNull();
        await conductor.store.releaseLease(next);
        expect(await directory.want(runId, wanted)).toBe(state);
        expect((await conductor.store.loadSnapshot(runId)) === null).toBe(state === 'cancelled');
      }
    });

    it('to resume one that failed, puts it back into the queue', async () => {
      await directory.submit('run-mended', spec, launch);
      const { lease, recorder } = await begin('run-mended');
      await recorder.settle('failed', { code: 'X', message: 'x' });
      await conductor.store.releaseLease(lease);
      expect(await directory.want('run-mended', 'run')).toBe('queued');
      expect(await directory.find('run-mended')).toMatchObject({ state: 'queued', error: null, endedAt: null });
      expect((await begin('run-mended')).recorder).not.toBeNull();
    });
  });

  it('writes its record anew when Redis has lost it, and a conductor goes on', async () => {
    await directory.submit('run-remembered', spec, launch);
    const { recorder } = await begin('run-remembered');
    await client.del(key('run-remembered', 'record'), `${prefix}:runs`);
    recorder.event(story('run-remembered')[0] as RunEvent);
    await eventually('it is known again', async () => (await stateOf('run-remembered')) === 'running');
    expect((await directory.list()).map(({ runId }) => runId)).toEqual(['run-remembered']);
  });

  it('puts runs back into the queue whose jobs Redis has lost, and no others', async () => {
    for (const runId of [
      'run-lost',
      'run-in-the-queue',
      'run-conducted',
      'run-put-aside',
      'run-unwanted',
      'run-left',
    ]) {
      await directory.submit(runId, spec, launch);
    }
    await begin('run-conducted');
    await directory.want('run-put-aside', 'pause');
    for (const runId of ['run-unwanted', 'run-left']) await begin(runId);
    await directory.want('run-unwanted', 'cancel');
    for (const runId of ['run-unwanted', 'run-left']) await client.del(key(runId, 'lease'));
    for (const runId of ['run-lost', 'run-conducted', 'run-unwanted', 'run-left']) {
      await client.del(`{${prefix}}:runs:run.${runId}`);
      await client.zrem(`{${prefix}}:runs:prioritized`, `run.${runId}`);
    }
    expect((await directory.sweep()).toSorted()).toEqual(['run-left', 'run-lost']);
    expect(await directory.sweep()).toEqual([]);
    expect(await client.hget(key('run-unwanted', 'record'), 'state')).toBe('cancelled');
    const taken: string[] = [];
    const conducting = conductor.conductRuns(async ({ runId }) => void taken.push(runId));
    await eventually('all that wait are taken', () => taken.length === 3);
    await conducting.drain();
    expect(taken.toSorted()).toEqual(['run-in-the-queue', 'run-left', 'run-lost']);
  });

  it('knows the workers that were heard of lately', async () => {
    const worker = await createRedisWorkerTransport({ redisUrl: redis.url, prefix, token: 'secret' });
    await directory.submit('run-with-workers', spec, launch);
    await begin('run-with-workers');
    await worker.report(reportOf('b', ['run-with-workers']));
    await worker.report(reportOf('a', ['run-with-workers', 'run-another']));
    await worker.report(reportOf('c', []));
    expect((await directory.workers()).map(({ workerId }) => workerId)).toEqual(['a', 'b', 'c']);
    expect(await directory.find('run-with-workers')).toMatchObject({ workers: 2 });
    expect(await client.pttl(`${prefix}:worker:a`)).toBeGreaterThan(8000);
    expect(await client.pttl(`${prefix}:workers`)).toBeGreaterThan(8000);
    await worker.close();
  });

  it('leaves nothing behind when a run is removed', async () => {
    await directory.submit('run-removed', spec, launch);
    const { lease, recorder } = await begin('run-removed');
    for (const event of story('run-removed')) recorder.event(event);
    await recorder.settle('completed');
    await conductor.store.releaseLease(lease);
    await removeKeysOfRun(client, prefix, 'run-removed');
    expect((await redis.keysOf(prefix)).filter((name) => !name.startsWith(`{${prefix}}:`))).toEqual([]);
  });
});

function story(runId: string): RunEvent[] {
  const base = { runId, time: 1 };
  const terms = { elbo: -100, reconstructionLogProb: -80, klDivergence: 20 };
  const better = { elbo: -90, reconstructionLogProb: -70, klDivergence: 20 };
  const rates = { beta: 1, learningRate: 1e-3, examples: 128, imagesPerSecond: 5000 };
  const step = (step: number): StepEvent => ({ event: 'step', ...base, epoch: 1, step, ...terms, ...rates });
  const facts = { parameterCount: 1000, trainExamples: 1280, testExamples: 100, stepsPerEpoch: 10, epochs: 3 };
  const setting = { name: 'listed', transport: 'redis', engine: 'compiled', workers: 0, threads: 0, seed: 1 } as const;
  return [
    { event: 'run-started', ...base, ...setting, ...facts, runFolder: '/runs/x' },
    ...Array.from({ length: 10 }, (_, i) => step(i + 1)),
    {
      ...{ event: 'epoch', ...base, epoch: 1, step: 10, train: terms, test: better, validation: null },
      ...{ klPerDimension: [1, 2], imagesPerSecond: 5000, seconds: 1 },
    },
    { event: 'notice', ...base, level: 'info', code: 'memory', message: 'enough' },
  ];
}

function reportOf(workerId: string, runs: string[]): WorkerReport {
  const work = { shardsDone: 1, shardsFailed: 0, examplesPerSecond: 100, load: 0.5, residentBytes: 1e8 };
  return { ...hello(workerId), startedAt: 1, lastSeenAt: 2, runs, ...work };
}
