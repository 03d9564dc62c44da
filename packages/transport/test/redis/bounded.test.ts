import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Lease } from '@elbo/transport/conductor-transport';
import { encodeFrameHead, FrameReader, type FrameType, frameTypes } from '@elbo/transport/data-plane/frame';
import { connectMember } from '@elbo/transport/data-plane/member-connection';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { RedisRunStore } from '@elbo/transport/redis/redis-run-store';
import { removeKeysOfRun } from '@elbo/transport/redis/remove-keys';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { RestartableRedis } from '../../../../tests/support/restartable-redis.js';
import { computeShard, gradientJob, hello, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('what a run keeps', () => {
  const runId = 'bounded-run';
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());

  async function openRun(parameterCount: number) {
    const common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'secret' };
    const conductor = await createRedisConductorTransport(common);
    const lease = (await conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
    const hooks = new RecordingHooks(parameterCount);
    const channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    return { common, conductor, lease, hooks, channel };
  }

  it('a member that does not read is not waited for and nothing queues up for it: it gets the newest version', async () => {
    const parameterCount = 4_000_000;
    const { common, conductor, lease, channel } = await openRun(parameterCount);
    const { stream, proof } = await connectMember({
      conductor: channel.address,
      runId,
      lease: lease.token,
      token: common.token,
    });
    const received: number[] = [];
    const buffer = new Float32Array(parameterCount);
    const reader = new FrameReader({
      head(type: FrameType, header: unknown, payloadBytes: number) {
        if (type !== frameTypes.parameters) return null;
        return new Uint8Array(buffer.buffer, (header as { byteOffset: number }).byteOffset, payloadBytes);
      },
      whole(type, header, intact) {
        if (type !== frameTypes.parameters) return;
        expect(intact).toBe(true);
        const { version, byteOffset } = header as { version: number; byteOffset: number };
        if (byteOffset + 256 * 1024 < 4 * parameterCount) return;
        expect(buffer.every((value) => value === version)).toBe(true);
        received.push(version);
      },
    });
    stream.write(encodeFrameHead(frameTypes.hello, { proof, member: hello('slow'), memory: null }, null));
    stream.write(encodeFrameHead(frameTypes.ready, { parametersInMemory: false }, null));
    await eventually('the member joined', () => channel.members.has('slow'));
    const parameters = new Float32Array(parameterCount);
    for (let version = 0; version < 60; version++) {
      parameters.fill(version);
      channel.publish(version, parameters);
      await new Promise((resolve) => setImmediate(resolve));
    }
    parameters.fill(-1);
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    await eventually('the newest version is here', () => received.includes(59));
    expect(received.length).toBeLessThan(5);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    stream.destroy();
    await once(stream, 'close');
    await channel.close();
    await conductor.close();
  });

  it('holds two snapshots in Redis at most while one is saved, and one after', async () => {
    const { common, conductor, lease, channel } = await openRun(10);
    const client = new Redis(redis.url);
    const snapshotBytes = 4_000_000;
    const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    const before = await usedMemory();
    for (let step = 0; step < 6; step++) {
      await conductor.store.saveSnapshot(lease, { step, meta: '{}', tensors: new Uint8Array(snapshotBytes) });
    }
    expect((await usedMemory()) - before).toBeLessThan(1.7 * snapshotBytes);
    const tensors = (await redis.keysOf(common.prefix)).filter((key) => key.includes(runId));
    expect(tensors.map((key) => key.split(':').at(-1)).toSorted()).toEqual(['lease', 'record', 'snapshot', 'tensors']);
    client.disconnect();
    await channel.close();
    await conductor.close();
  });

  it('notices a snapshot that was changed or cut short', async () => {
    const { common, conductor, lease, channel } = await openRun(10);
    const client = new Redis(redis.url);
    const key = `${common.prefix}:{${runId}}:tensors`;
    const save = () =>
      conductor.store.saveSnapshot(lease, { step: 1, meta: '{}', tensors: new Uint8Array(1000).fill(3) });
    const corrupt = { code: 'SNAPSHOT_CORRUPT', runId };
    await save();
    await client.setrange(key, 500, 'x');
    await expect(conductor.store.loadSnapshot(runId)).rejects.toMatchObject(corrupt);
    await client.set(key, 'short');
    await expect(conductor.store.loadSnapshot(runId)).rejects.toMatchObject(corrupt);
    await client.del(key);
    await expect(conductor.store.loadSnapshot(runId)).rejects.toMatchObject(corrupt);
    await save();
    expect(await conductor.store.loadSnapshot(runId)).toMatchObject({ step: 1 });
    client.disconnect();
    await channel.close();
    await conductor.close();
  });

  it('makes an upload again that Redis has lost while it was made', async () => {
    const client = new Redis(redis.url);
    const prefix = redis.freshPrefix();
    const store = new RedisRunStore(client, prefix);
    const lease = (await store.acquireLease(runId, 'test', 60_000)) as Lease;
    const tensors = new Uint8Array(2_000_000).fill(3);
    for (const lostAfterParts of [1, 3, 8]) {
      const forgetful = losingUploads(client, `${prefix}:{${runId}}:upload:${lease.token}`, lostAfterParts);
      const snapshot = { step: lostAfterParts, meta: '{}', tensors };
      await new RedisRunStore(forgetful, prefix).saveSnapshot(lease, snapshot);
      expect(await store.loadSnapshot(runId)).toMatchObject({ step: lostAfterParts });
    }
    client.disconnect();
  });

  it('names a Redis that is full and has no room for a snapshot', async () => {
    const full = await RestartableRedis.start(['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction']);
    await full.with(async (client) => {
      const store = new RedisRunStore(client, 'elbo');
      const lease = (await store.acquireLease(runId, 'test', 60_000)) as Lease;
      await client.setrange('filler', 10_000_000, 'x');
      const saving = store.saveSnapshot(lease, { step: 7, meta: '{}', tensors: new Uint8Array(1000) });
      await expect(saving).rejects.toMatchObject({ code: 'REDIS_FULL', what: 'the snapshot of step 7' });
    });
    await full.stop();
  });

  it('names a snapshot that is longer than Redis lets a string be', async () => {
    const small = await RestartableRedis.start(['--proto-max-bulk-len', '1mb']);
    await small.with(async (client) => {
      const store = new RedisRunStore(client, 'elbo');
      const lease = (await store.acquireLease(runId, 'test', 60_000)) as Lease;
      const saving = store.saveSnapshot(lease, { step: 7, meta: '{}', tensors: new Uint8Array(1_500_000) });
      await expect(saving).rejects.toMatchObject({ code: 'SNAPSHOT_TOO_LONG', runId, bytes: 1_500_000 });
    });
    await small.stop();
  });

  it('is nothing in its conductor when it is over', async () => {
    const collectGarbage = garbageCollector();
    const { conductor, ...opened } = await openRun(10);
    const held = await (async ({ channel, hooks }) => {
      await channel.close();
      return new WeakRef(hooks);
    })(opened);
    opened.hooks = opened.channel = null as never;
    await eventually('nobody holds its hooks', async () => {
      collectGarbage();
      return held.deref() === undefined;
    });
    await conductor.close();
  });

  it('is nothing but its record when it is over, and never a tensor in a queue', async () => {
    const { common, conductor, lease, hooks, channel } = await openRun(1000);
    const worker = await createRedisWorkerTransport(common);
    const taker = worker.takeShards(async (job) => void (await computeShard(worker, 'a', job)), 1);
    for (let version = 0; version < 5; version++) {
      hooks.version = version;
      channel.publish(version, new Float32Array(1000).fill(version));
      await channel.dispatch([0, 1].map((shard) => gradientJob(channel, runId, lease.token, version, shard)));
      await hooks.until('contributed', 2 * (version + 1));
    }
    await channel.dispatch([gradientJob(channel, runId, lease.token, 5, 0)]);
    await conductor.store.saveSnapshot(lease, { step: 5, meta: '{}', tensors: new Uint8Array(1000) });
    await conductor.store.deleteSnapshot(lease);
    await conductor.store.saveRecord(lease, '{"state":"completed"}');
    await channel.close();
    await conductor.store.releaseLease(lease);
    await taker.drain();
    await worker.close();
    await conductor.close();
    const queueFurniture = /:(meta|id|events|stalled-check|marker)$/;
    const left = (await redis.keysOf(common.prefix)).filter((key) => !queueFurniture.test(key));
    expect(left).toEqual([`${common.prefix}:{${runId}}:record`]);
    const client = new Redis(redis.url);
    expect(await client.pttl(`${common.prefix}:{${runId}}:record`)).toBeGreaterThan(24 * 3600 * 1000);
    for (const key of await redis.keysOf(common.prefix)) expect(await client.memory('USAGE', key)).toBeLessThan(20_000);
    await removeKeysOfRun(client, common.prefix, runId);
    expect(await redis.keysOf(common.prefix)).not.toContain(`${common.prefix}:{${runId}}:record`);
    client.disconnect();
  });
});

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** A connection to a Redis that loses a key, once, after so many parts of it were written. */
function losingUploads(client: Redis, key: string, parts: number): Redis {
  let made = 0;
  return new Proxy(client, {
    get(target, name) {
      if ((name === 'pipeline' || name === 'setrange') && ++made === parts + 1) void target.del(key);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
