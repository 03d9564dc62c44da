import { openRunDataset } from '@elbo/cli/launch/open-run-dataset';
import { describeCeiling, memoryCeiling } from '@elbo/coordinator/memory-ceiling';
import { resolveRun } from '@elbo/coordinator/resolve-run';
import { claimPrivatePrefix, sweepPrivatePrefixes } from '@elbo/transport/redis/private-prefix';
import { createModel } from '@elbo/vae-core/models/model';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CoordinatorProcess } from '../support/cluster.js';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { ElboProcess, temporaryFolder } from '../support/elbo.js';
import { residentBytes, usedByRedis, withRedis } from '../support/process-memory.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';

const mebibyte = 2 ** 20;
const steps = 200;
const spec = specOf({
  seed: 2,
  dataset: { name: 'mnist', limit: 64 * steps },
  training: { epochs: 1, globalBatchSize: 64, shardsPerStep: 2 },
});

const shortSpec = specOf({ dataset: { name: 'mnist', limit: 512 }, training: { epochs: 1 } });

interface Sample {
  readonly step: number;
  readonly redis: number;
  readonly coordinator: number;
  readonly workers: readonly number[];
}

describe.skipIf(!redisForTests || process.platform !== 'linux')(
  'the memory of a run of 200 steps with slow workers',
  () => {
    let redis: TestRedis;
    let cluster: RedisCluster;
    beforeAll(async () => {
      redis = await startTestRedis();
    });
    afterAll(() => redis.stop());
    afterEach(() => cluster.close());

    it('stays under the ceiling that is printed before it, grows no more after warm-up, and leaves only its record and last events', async () => {
      const prefix = redis.freshPrefix();
      cluster = await RedisCluster.start(redis.url, prefix);
      const runsFolder = await temporaryFolder();
      const { dataset, facts } = await openRunDataset(spec);
      const run = resolveRun('measured-run', spec, facts);
      const ceiling = memoryCeiling(run, createModel(spec.model, facts.dataDim).layout.length, dataset.bytes.length);

      const workers = await Promise.all(['a', 'b'].map((workerId) => cluster.worker({ workerId, slowdown: 1 })));
      const before = await withRedis(redis.url, usedByRedis);
      const samples: Sample[] = [];
      const coordinator = new CoordinatorProcess({
        ...cluster.access,
        runsFolder: runsFolder.path,
        checkpointIntervals: { redis: 1000, folder: 5000 },
      });
      await cluster.transport.submitRun({ runId: run.runId, spec });
      await withRedis(redis.url, async (client) => {
        for (let step = 1; step <= steps; step++) {
          await coordinator.event((event) => event.event === 'step' && event.step === step);
          samples.push({
            step,
            redis: (await usedByRedis(client)) - before,
            coordinator: await residentBytes(coordinator.child.pid as number),
            workers: await Promise.all(workers.map(({ pid }) => residentBytes(pid as number))),
          });
        }
      });
      await coordinator.event((event) => event.event === 'run-finished');
      const withPictures = await residentBytes(coordinator.child.pid as number);
      await coordinator.kill('SIGTERM');

      const announced = coordinator.events.find((event) => event.event === 'notice' && event.code === 'memory');
      const most = (of: (sample: Sample) => number) => Math.max(...samples.map(of));
      const figures = {
        redis: [most((s) => s.redis), ceiling.redis],
        coordinator: [Math.max(withPictures, ...samples.map((s) => s.coordinator)), ceiling.coordinator],
        worker: [most((s) => Math.max(...s.workers)), ceiling.worker],
      };
      expect(announced).toMatchObject({ message: describeCeiling(ceiling, 'redis', 0) });
      for (const [peak, limit] of Object.values(figures)) expect(peak).toBeLessThan(limit as number);

      // After warm-up: what the last third needs beyond the second. Redis holds a second snapshot while one is replaced.
      const growth = (of: (sample: Sample) => number) => {
        const peak = (from: number, to: number) => Math.max(...samples.slice(from, to).map(of));
        return peak(135, steps) - peak(70, 135);
      };
      const lowest = (from: number, to: number) => Math.min(...samples.slice(from, to).map((sample) => sample.redis));
      expect(lowest(135, steps) - lowest(70, 135)).toBeLessThan(2 * mebibyte);
      expect(growth((sample) => sample.coordinator)).toBeLessThan(32 * mebibyte);
      for (const i of [0, 1]) expect(growth((sample) => sample.workers[i] as number)).toBeLessThan(32 * mebibyte);

      await cluster.close();
      // The queues themselves and the list of runs are the cluster's, not the run's.
      const left = (await redis.keysOf(prefix)).filter((key) => key.startsWith(`${prefix}:{`)).toSorted();
      expect(left).toEqual(['events', 'record'].map((what) => `${prefix}:{measured-run}:${what}`));
      for (const key of left) {
        expect(await withRedis(redis.url, (client) => client.pttl(key))).toBeGreaterThan(0);
        expect(await withRedis(redis.url, (client) => client.memory('USAGE', key, 'SAMPLES', 0))).toBeLessThan(
          64 * 1024,
        );
      }
      await runsFolder.remove();
    });

    it('of a worker does not grow with the number of runs that it has worked for', async () => {
      cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
      const { pid } = await cluster.worker({ workerId: 'a' });
      const conduct = async (count: number) => {
        const run = new ConductedRun(cluster.transport, shortSpec, `short-run-${count}`);
        await run.ended;
        return residentBytes(pid as number);
      };
      const resident: number[] = [];
      // A thread keeps what it compiled for the last six.
      for (let count = 0; count < 30; count++) resident.push(await conduct(count));
      expect(Math.max(...resident.slice(20)) - Math.max(...resident.slice(0, 10))).toBeLessThan(110 * mebibyte);
    });

    it('of `elbo train --redis` is gone with the command: not a key is left', async () => {
      cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
      const folder = await temporaryFolder();
      const flags = ['--redis', redis.url, '--workers', '1', '--epochs', '1', '--limit', '500'];
      const { finished, stderr } = await new ElboProcess(['train', 'mnist', ...flags, '--out', `${folder.path}/run`])
        .result;
      expect(finished, stderr).toMatchObject({ outcome: 'completed' });
      const left = await withRedis(redis.url, (client) => client.keys(`*${finished?.runId}*`));
      expect(left).toEqual([]);
      await folder.remove();
    });

    it('is removed when its run was killed, by the next that starts', async () => {
      const dead = redis.freshPrefix();
      const living = redis.freshPrefix();
      const claims = await Promise.all([dead, living].map((prefix) => claimPrivatePrefix(redis.url, prefix)));
      cluster = await RedisCluster.start(redis.url, dead);
      await cluster.transport.submitRun({ runId: 'orphaned-run', spec });
      const lease = await cluster.transport.store.acquireLease('orphaned-run', 'a process that is dead', 60_000);
      const tensors = new Uint8Array(1_000_000);
      if (lease) await cluster.transport.store.saveSnapshot(lease, { step: 1, meta: '{}', tensors });
      expect((await redis.keysOf(dead)).length).toBeGreaterThan(3);
      // Its sign of life expires half a minute after it was killed; that is not waited for here.
      await withRedis(redis.url, (client) => client.del(`${dead}:alive`));
      expect(await sweepPrivatePrefixes(redis.url)).toContain(dead);
      expect(await redis.keysOf(dead)).toEqual([]);
      expect(await redis.keysOf(living)).toEqual([`${living}:alive`]);
      expect(await sweepPrivatePrefixes(redis.url)).not.toContain(living);
      for (const claim of claims) await claim.release();
      expect(await redis.keysOf(living)).toEqual([]);
    });
  },
);
