import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CoordinatorProcess } from '../support/cluster.js';
import { specOf } from '../support/conducted-run.js';
import { temporaryFolder } from '../support/elbo.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.js';

const spec = specOf({
  seed: 4,
  dataset: { name: 'gaussian-mixture', limit: 2000 },
  model: { latentDim: 2, encoder: { hidden: [16] }, decoder: { hidden: [16] }, likelihood: { kind: 'gaussian' } },
  training: { epochs: 2, globalBatchSize: 32, shardsPerStep: 2 },
});
const clock = pathToFileURL(join(import.meta.dirname, '../support/jumping-clock.mjs')).href;

describe.skipIf(!redisForTests)('a machine that fails', () => {
  let redis: TestRedis;
  let cluster: RedisCluster;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let undisturbed: string | undefined;
  const coordinators: CoordinatorProcess[] = [];

  async function start(): Promise<void> {
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    folder = await temporaryFolder();
  }

  async function conduct(runId: string, runsFolder: string): Promise<CoordinatorProcess> {
    await cluster.worker({ workerId: 'worker' });
    const intervals = { redis: 200, folder: 200 };
    const coordinator = new CoordinatorProcess({ ...cluster.access, runsFolder, checkpointIntervals: intervals });
    coordinators.push(coordinator);
    await cluster.transport.submitRun({ runId, spec });
    return coordinator;
  }

  async function hashOf(coordinator: CoordinatorProcess): Promise<string | undefined> {
    const finished = await coordinator.event((event) => event.event === 'run-finished');
    return finished.event === 'run-finished' ? finished.parametersSha256 : undefined;
  }

  beforeAll(async () => {
    redis = await startTestRedis();
    await start();
    undisturbed = await hashOf(await conduct('undisturbed-run', folder.path));
    await stop();
  });
  afterAll(() => redis.stop());
  afterEach(stop);

  async function stop(): Promise<void> {
    delete process.env.NODE_OPTIONS;
    for (const coordinator of coordinators.splice(0)) await coordinator.kill('SIGKILL');
    await cluster.close();
    await folder.remove();
  }

  it('by a clock that jumps a day forth and back, in every process, changes nothing', async () => {
    await start();
    process.env.NODE_OPTIONS = `--import ${clock}`;
    const coordinator = await conduct('jumping-clock', folder.path);
    expect(await hashOf(coordinator)).toBe(undisturbed);
    const times = coordinator.events.map(({ time }) => time);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(86_400_000);
  });

  it.skipIf(noSmallDisk !== null)(
    'by a disk that is full ends the run by name, and with room again it goes on',
    async () => {
      await start();
      const folderOfRuns = join(folder.path, 'small-disk');
      const disk = mountSmallDisk(folderOfRuns, '40k');
      try {
        const coordinator = await conduct('full-disk', folderOfRuns);
        const failed = await coordinator.event((event) => event.event === 'run-failed');
        expect(failed).toMatchObject({ code: 'folder-not-written' });
        expect(failed).toMatchObject({ message: expect.stringMatching(/ENOSPC.*the disk is full: free some space/) });
        const steps = coordinator.events.filter((event) => event.event === 'step').length;
        expect(steps).toBeGreaterThan(0);

        disk.resize('16m');
        // The failed job is still on its way out of the queue, where a run is only once.
        const submitting = setInterval(() => cluster.transport.submitRun({ runId: 'full-disk', spec }), 100);
        await coordinator.event((event) => event.event === 'notice' && event.code === 'resumed');
        clearInterval(submitting);
        expect(await hashOf(coordinator)).toBe(undisturbed);
      } finally {
        for (const coordinator of coordinators.splice(0)) await coordinator.kill('SIGKILL');
        disk.unmount();
      }
    },
  );
});
