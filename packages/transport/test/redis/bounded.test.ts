import { once } from 'node:events';
import type { Lease } from '@elbo/transport/conductor-transport';
import { encodeFrameHead, FrameReader, type FrameType, frameTypes } from '@elbo/transport/data-plane/frame';
import { connectMember } from '@elbo/transport/data-plane/member-connection';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { removeRunKeys } from '@elbo/transport/redis/remove-keys';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
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
    await removeRunKeys(redis.url, common.prefix, runId);
    expect(await redis.keysOf(common.prefix)).not.toContain(`${common.prefix}:{${runId}}:record`);
    client.disconnect();
  });
});
