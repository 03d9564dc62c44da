import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../support/cluster.js';
import { specOf } from '../support/conducted-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

const spec = specOf({
  dataset: { name: 'gaussian-mixture', limit: 200 },
  model: { latentDim: 2, encoder: { hidden: [4] }, decoder: { hidden: [4] }, likelihood: { kind: 'gaussian' } },
  training: { epochs: 1, globalBatchSize: 100, shardsPerStep: 1 },
});

describe.skipIf(!redisForTests)('what somebody else wrote to Redis', () => {
  let redis: TestRedis;
  let client: Redis;
  let cluster: TestCluster;
  let coordinator: ReturnType<TestCluster['addCoordinator']>;
  let directory: RunDirectory;
  let thief: Server;
  let stolen = Buffer.alloc(0);

  beforeAll(async () => {
    redis = await startTestRedis();
    client = new Redis(redis.url, { maxRetriesPerRequest: null });
    cluster = await TestCluster.start(redis, 1);
    coordinator = cluster.addCoordinator();
    directory = await createRedisRunDirectory({ redisUrl: redis.url, prefix: cluster.prefix });
    thief = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        stolen = Buffer.concat([stolen, chunk]);
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: elbo-member\r\n\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(thief, 'listening');
  });
  afterAll(async () => {
    thief.close();
    await directory.close();
    await cluster.stop();
    client.disconnect();
    await redis.stop();
  });

  const key = (runId: string, name: string) => `${cluster.prefix}:{${runId}}:${name}`;
  const finished = (runId: string) =>
    coordinator.event(
      (event) => event.runId === runId && (event.event === 'run-finished' || event.event === 'run-failed'),
    );

  async function conductsOn(runId: string): Promise<void> {
    await cluster.submit(runId, spec);
    const event = await finished(runId);
    if (event.event !== 'run-finished') throw new Error(JSON.stringify(event));
  }

  async function forge(queueName: 'runs' | 'shards', jobs: readonly unknown[]): Promise<void> {
    const queue = new Queue(queueName, { connection: client, prefix: `{${cluster.prefix}}` });
    for (const job of jobs) await queue.add('forged', job);
    const unreadable = await queue.add('forged', {});
    await client.hset(`{${cluster.prefix}}:${queueName}:${unreadable.id}`, 'data', '{"runId":');
    await queue.close();
  }

  it('as runs is removed, writes nothing anywhere, and stops nobody', async () => {
    const folders = dirname(cluster.runFolder('x'));
    const around = await readdir(dirname(folders));
    const job = { runId: 'a-forged-run', spec, priority: 'normal', workerLimit: null };
    const paths = ['../../escaped', '/tmp/escaped', 'a/../../escaped', 'a%2f..%2fb', 'a\0b', '..', 'A-RUN', ''];
    await forge('runs', [
      null,
      'text',
      [],
      {},
      { ...job, spec: undefined },
      { ...job, surprise: true },
      { ...job, spec: { ...spec, dataset: { name: '../../etc/passwd' } } },
      { ...job, spec: { ...spec, model: { ...spec.model, latentDim: 1e9 } } },
      ...paths.map((runId) => ({ ...job, runId })),
    ]);
    await conductsOn('the-honest-run');
    expect((await readdir(folders)).sort()).toEqual(['the-honest-run']);
    expect((await readdir(dirname(folders))).filter((name) => /escaped/.test(name))).toEqual(
      around.filter((name) => /escaped/.test(name)),
    );
  }, 30_000);

  it('as shards, with an address of its own, is told no token', async () => {
    const { port } = thief.address() as AddressInfo;
    const shard = {
      kind: 'gradient',
      runId: 'stolen-run',
      lease: 1,
      parameterVersion: 0,
      shard: 0,
      attempt: 0,
      step: 0,
    };
    const elsewhere = [
      `http://127.0.0.1:${port}`,
      'http://169.254.169.254',
      'file:///etc/passwd',
      'http://[::1]:1/x',
      '',
    ];
    await forge('shards', [
      null,
      {},
      { ...shard, conductor: 5 },
      ...elsewhere.map((conductor) => ({ ...shard, conductor })),
    ]);
    await conductsOn('run-after-thieves');
    expect(stolen.toString('latin1')).toMatch(/^GET \/v1\/runs\/stolen-run\/member HTTP/);
    expect(stolen.toString('latin1')).toMatch(/authorization: Elbo [0-9a-f]{32}\.[0-9a-f]{64}\r\n/i);
    expect(stolen.includes('a token that only this test knows')).toBe(false);
  }, 30_000);

  it('as a record or an entry of the directory says nothing', async () => {
    await client.hset(key('run-with-record', 'record'), { record: 'not JSON', state: 'whatever', spec: '{' });
    await conductsOn('run-with-record');
    await client.hset(key('run-with-null', 'record'), { record: 'null' });
    await conductsOn('run-with-null');
    const index = `${cluster.prefix}:runs`;
    for (const id of ['../../etc', 'forged-entry', 'a'.repeat(10_000)]) await client.zadd(index, 1, id);
    await client.hset(key('forged-entry', 'record'), { spec: '{"__proto__":1}', launch: '[]', state: 'running' });
    await client.hset(`${cluster.prefix}:{../../etc}:record`, {
      ...{
        spec: JSON.stringify(spec),
        launch: '{"priority":"normal","workerLimit":null}',
        state: 'queued',
        submittedAt: '1',
      },
    });
    const ids = (await directory.list()).map(({ runId }) => runId);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9-]+$/);
    expect(ids).not.toContain('forged-entry');
    for (const id of ['../../etc', 'forged-entry', '', '\0']) expect(await directory.find(id)).toBeNull();
  }, 30_000);

  it('as a worker that reports itself is passed over', async () => {
    await client.zadd(`${cluster.prefix}:workers`, Date.now(), 'forged', Date.now(), 'not-json');
    await client.set(`${cluster.prefix}:worker:forged`, JSON.stringify({ workerId: '<script>', threads: -1 }));
    await client.set(`${cluster.prefix}:worker:not-json`, '{');
    for (const { workerId } of await directory.workers()) expect(workerId).toBe('worker-1');
  });

  it.each<[string, Record<string, string>]>([
    ['that is no JSON', { step: '5', meta: 'x', bytes: '4', crc32: '558161692' }],
    ['that is shorter than it says', { step: '5', meta: '{}', bytes: '400', crc32: '0' }],
    ['that claims another run', { step: '5', meta: metaOf('another-run'), bytes: '4', crc32: '558161692' }],
    ['without a number for its step', { step: 'NaN', meta: '{}', bytes: '4', crc32: '558161692' }],
  ])(
    'as a snapshot %s ends that run by name, and no other',
    async (what, fields) => {
      const runId = `snapshot-${what.toLowerCase().replace(/\W+/g, '-')}`;
      await client.hset(key(runId, 'snapshot'), fields);
      await client.set(key(runId, 'tensors'), Buffer.alloc(4));
      await cluster.submit(runId, spec);
      expect(await finished(runId)).toMatchObject({ event: 'run-failed', code: 'NO_USABLE_CHECKPOINT' });
      await conductsOn(`after-${runId}`);
    },
    30_000,
  );
});

function metaOf(runId: string): string {
  const sha256 = '0'.repeat(64);
  return JSON.stringify({
    ...{ format: 'elbo-checkpoint', version: 1, runId, step: 5, specSha256: sha256, datasetSha256: sha256 },
    epoch: { terms: null, trainingMs: 0 },
    tensors: [{ name: 'parameters', dtype: 'F32', shape: [1], offsets: [0, 4] }],
    tensorsSha256: sha256,
  });
}
