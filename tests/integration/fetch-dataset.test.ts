import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatasetCache } from '@elbo/datasets/cache';
import { packDataset } from '@elbo/datasets/packed/pack';
import type { Lease, RunChannel } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gradientJob, resolvedRun } from '../../packages/transport/test/fixtures.js';
import { eventually, RecordingHooks } from '../../packages/transport/test/recording-hooks.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { temporaryFolder } from '../support/elbo.js';
import { freePort } from '../support/free-port.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';
const script = fileURLToPath(new URL('../support/fetching-worker.mjs', import.meta.url));
const runId = 'fetching-run';

const values = Uint8Array.from({ length: 40_000_000 }, (_, i) => (i * 31) % 251);
const table = { source: 'test', count: 40_000, exampleShape: [1000], values, labels: null, labelNames: null };
const packed = packDataset({ name: 'far', scale: 1 / 255 }, table, null);

describe.skipIf(!redisForTests)('a data set for workers of another host', () => {
  let redis: TestRedis;
  let proxy: CuttingProxy;
  let access: { redisUrl: string; prefix: string; token: string };
  let conductor: RedisConductorTransport;
  let lease: Lease;
  let channel: RunChannel;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cache: DatasetCache;
  const children: ChildProcess[] = [];

  /** A conductor behind a wire that is cut so often after so many bytes. */
  async function conduct(afterBytes: number, times: number): Promise<void> {
    proxy = await CuttingProxy.start(afterBytes, times);
    const port = await freePort();
    conductor = await createRedisConductorTransport({ ...access, advertise: proxy.address, listen: { port } });
    proxy.to(port);
    lease = (await conductor.store.acquireLease(runId, 'test', 600_000)) as Lease;
    const hooks = new RecordingHooks(1000);
    hooks.dataset = { hash: packed.hash, bytes: packed.bytes };
    channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
  }

  beforeEach(async () => {
    redis = await startTestRedis();
    access = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'a-token-for-tests' };
    folder = await temporaryFolder();
    cache = new DatasetCache(folder.path);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await channel.close();
    await conductor.close();
    await proxy.stop();
    await redis.stop();
    await folder.remove();
  });

  function worker(cacheFolder = folder.path): ChildProcess {
    const job = gradientJob(channel, runId, lease.token, 0, 0);
    const child = fork(script, [JSON.stringify({ access, job, hash: packed.hash, folder: cacheFolder })]);
    children.push(child);
    return child;
  }

  const whole = { hash: packed.hash, bytes: packed.bytes.length };
  const partialBytes = () =>
    stat(cache.partialPathOf(packed.hash)).then(
      ({ size }) => size,
      () => 0,
    );

  it('goes on where the wire was cut, and is kept whole', async () => {
    await conduct(9_000_000, 3);
    const [answer] = await once(worker(), 'message');
    expect(answer).toEqual(whole);
    expect(proxy.cuts).toBe(3);
    const starts = proxy.ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
    expect(starts).toHaveLength(4);
    expect(starts[0]).toBe(0);
    // Each try goes on within the megabyte that was under way when the wire was cut.
    for (const [i, start] of starts.entries()) {
      expect(start).toBeGreaterThan(i * 7_900_000 - 1);
      expect(start).toBeLessThanOrEqual(i * 9_000_000);
    }
    expect((await readFile(cache.pathOf(packed.hash))).equals(packed.bytes)).toBe(true);
  });

  it('goes on where a killed worker stopped, and two workers that want it at once fetch it once', async () => {
    await conduct(3_000_000, 4);
    const killed = worker();
    await eventually('a part is on disk', async () => (await partialBytes()) > 1_000_000, 30_000);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const left = await partialBytes();
    expect(left).toBeGreaterThan(1_000_000);
    expect(left).toBeLessThan(whole.bytes);
    const before = proxy.ranges.length;
    const answers = await Promise.all([worker(), worker()].map((child) => once(child, 'message')));
    expect(answers.map(([answer]) => answer)).toEqual([whole, whole]);
    expect(proxy.ranges[before]).toBe(`bytes=${left}-`);
    // Every further request goes on from a later byte: one worker fetched, and none from the start.
    const starts = proxy.ranges.slice(before).map((range) => Number(/\d+/.exec(range)?.[0]));
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
    expect((await readdir(folder.path)).filter((name) => !name.endsWith('.verified'))).toEqual([
      `${packed.hash}.elbods`,
    ]);
  });

  it.skipIf(noSmallDisk !== null)('is used without being kept when the disk fills up on the way', async () => {
    await conduct(packed.bytes.length * 2, 0);
    const small = join(folder.path, 'small-disk');
    const disk = mountSmallDisk(small, '1m');
    try {
      const [answer] = await once(worker(small), 'message');
      expect(answer).toEqual(whole);
      expect(await readdir(small)).toEqual([]);
    } finally {
      disk.unmount();
    }
  });
});
