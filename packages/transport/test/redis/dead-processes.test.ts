import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Lease } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { computeShard, gradientJob, resolvedRun, spec } from '../fixtures.js';
import { RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('a process that is killed', () => {
  const runId = 'killed-process-run';
  let redis: TestRedis;
  let common: { redisUrl: string; prefix: string; token: string };
  let conductor: RedisConductorTransport;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'secret' };
    conductor = await createRedisConductorTransport(common);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await conductor.close();
  });

  async function stuckWorker(join: boolean): Promise<ChildProcess> {
    const child = start('./stuck-worker.mjs', { ...common, workerId: 'doomed', join });
    await once(child, 'message');
    return child;
  }

  function start(script: string, options: object): ChildProcess {
    const child = fork(new URL(script, import.meta.url), [JSON.stringify(options)]);
    children.push(child);
    return child;
  }

  it('as a worker is known to have left at once, with the shards it held', async () => {
    const lease = (await conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
    const hooks = new RecordingHooks(1000);
    const channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    channel.publish(0, new Float32Array(1000));
    const child = await stuckWorker(true);
    await channel.dispatch([gradientJob(channel, runId, lease.token, 0, 0)]);
    await once(child, 'message');
    const killed = performance.now();
    child.kill('SIGKILL');
    const [left] = await hooks.until('memberLeft');
    expect(performance.now() - killed).toBeLessThan(500);
    expect(left).toMatchObject({
      member: { workerId: 'doomed', pid: child.pid },
      unfinished: [gradientJob(channel, runId, lease.token, 0, 0)],
    });
    await channel.close();
  });

  it('as a worker costs its shard less than two seconds even when the conductor never heard of it', async () => {
    const lease = (await conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
    const hooks = new RecordingHooks(1000);
    const channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    channel.publish(0, new Float32Array(1000));
    const child = await stuckWorker(false);
    await channel.dispatch([gradientJob(channel, runId, lease.token, 0, 0)]);
    await once(child, 'message');
    const worker = await createRedisWorkerTransport(common);
    worker.takeShards(async (job) => void (await computeShard(worker, 'healthy', job)), 1);
    const killed = performance.now();
    child.kill('SIGKILL');
    await hooks.until('contributed');
    expect(performance.now() - killed).toBeLessThan(2000);
    await worker.close();
    await channel.close();
  });

  it('as a coordinator has its run taken over within five seconds', async () => {
    const child = start('./stuck-conductor.mjs', common);
    await conductor.submitRun({ runId, spec });
    expect(await once(child, 'message')).toContain(runId);
    const taken = new Promise<string>((resolve) => {
      conductor.conductRuns(async (job) => resolve(job.runId));
    });
    const killed = performance.now();
    child.kill('SIGKILL');
    expect(await taken).toBe(runId);
    expect(performance.now() - killed).toBeLessThan(5000);
  });
});
