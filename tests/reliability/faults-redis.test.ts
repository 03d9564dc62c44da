import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { locateRedis } from '@elbo/transport/redis/locate-redis';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../packages/transport/test/recording-hooks.js';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { ElboCommand } from '../support/elbo-command.js';
import { freePort } from '../support/free-port.js';
import { redisForTests } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RestartableRedis } from '../support/restartable-redis.js';
import { runElbo } from '../support/run-elbo.js';

const spec = specOf({
  seed: 3,
  dataset: { name: 'gaussian-mixture', limit: 4000 },
  model: { latentDim: 2, encoder: { hidden: [16] }, decoder: { hidden: [16] }, likelihood: { kind: 'gaussian' } },
  training: { epochs: 1, globalBatchSize: 32, shardsPerStep: 2 },
});
/** What `spec` gives, undisturbed; the first test that trains finds it. */
let undisturbed: string | undefined;

it('what takes the connection and says nothing is not waited for without end', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const complaint = { code: 'REDIS_UNAVAILABLE', message: expect.stringContaining('no answer in 5 seconds') };
  await expect(locateRedis(`redis://127.0.0.1:${port}`)).rejects.toMatchObject(complaint);
  silent.close();
}, 20_000);

describe.skipIf(!redisForTests)('a Redis that fails', () => {
  let redis: RestartableRedis;
  let cluster: RedisCluster | null = null;
  const started = async (settings: readonly string[]) => {
    redis = await RestartableRedis.start(settings);
    return RedisCluster.start(redis.url, 'elbo-faults');
  };
  afterEach(async () => {
    await cluster?.close();
    cluster = null;
    await redis.stop();
  });
  const train = async (runId: string, disturb: (run: ConductedRun) => Promise<void>) => {
    if (!cluster) throw new Error('no cluster');
    await Promise.all(['a', 'b'].map((workerId) => cluster?.worker({ workerId })));
    const { directory } = cluster.transport;
    const run = new ConductedRun(cluster.transport, spec, runId, { directory });
    await disturb(run);
    return { run, hash: await run.ended };
  };

  it('by answering nothing at first is named, with its address', async () => {
    redis = await RestartableRedis.start([]);
    await redis.down();
    const connecting = createRedisConductorTransport({ redisUrl: redis.url, prefix: 'elbo', token: 'token' });
    await expect(connecting).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await expect(connecting).rejects.toThrow(new RegExp(`no Redis answers at ${redis.url}.*start one there or give`));
  });

  it('by being away keeps neither a coordinator nor a worker from ending', async () => {
    redis = await RestartableRedis.start([]);
    const access = ['--redis', redis.url, '--prefix', 'ending'];
    const environment = { ELBO_TOKEN: 'a-token-for-this-test', ELBO_LOG_LEVEL: 'silent' };
    const worker = new ElboCommand(['worker', ...access, '--threads', '1'], environment);
    const listen = ['--listen', '127.0.0.1:0', '--api', 'off', '--json'];
    const coordinator = new ElboCommand(['coordinator', ...access, ...listen], environment);
    const serving = async (client: Redis) => {
      const clients = String(await client.call('client', 'list'));
      return clients.split('cmd=bzpopmin').length === 3;
    };
    await redis.with((client) => eventually('both wait for jobs', () => serving(client), 20_000));
    await redis.down();
    await Promise.all([worker.stop(), coordinator.stop()]);
    const finishing = 'elbo: finishing the shards at hand; once more ends at once\n';
    expect(await worker.result).toMatchObject({ code: 0, stderr: expect.stringContaining(finishing) });
    const saving = 'elbo: saving the runs at hand and giving them back to the queue; once more ends at once\n';
    expect(await coordinator.result).toMatchObject({ code: 0, stderr: expect.stringContaining(saving) });
  }, 40_000);

  it('by being away is what those who ask the cluster are told, within a few seconds', async () => {
    redis = await RestartableRedis.start([]);
    const server = `http://127.0.0.1:${await freePort()}`;
    const environment = { ELBO_TOKEN: 'a-token-for-this-test', ELBO_LOG_LEVEL: 'silent', ELBO_SERVER: server };
    const places = ['--listen', '127.0.0.1:0', '--api', new URL(server).host, '--redis', redis.url];
    const coordinator = new ElboCommand(['coordinator', ...places, '--prefix', 'away', '--json'], environment);
    const ask = (...args: string[]) => runElbo(args, environment);
    try {
      await eventually('the API answers', async () => (await ask('runs')).code === 0, 20_000);
      await redis.down();
      const began = performance.now();
      const answers = await Promise.all([ask('runs'), ask('submit', 'gaussian-mixture')]);
      expect(performance.now() - began).toBeLessThan(8000);
      for (const { code, stderr } of answers) {
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Redis does not answer') });
      }
    } finally {
      await coordinator.stop();
    }
  }, 60_000);

  it('by evicting keys is refused at the start', async () => {
    redis = await RestartableRedis.start(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru']);
    const connecting = createRedisConductorTransport({ redisUrl: redis.url, prefix: 'elbo', token: 'token' });
    await expect(connecting).rejects.toMatchObject({ code: 'REDIS_EVICTS', policy: 'allkeys-lru' });
    await expect(connecting).rejects.toThrow(/config set maxmemory-policy noeviction/);
    const { code, stderr } = await runElbo(['train', 'mnist', '--redis', redis.url, '--quiet']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/config set maxmemory-policy noeviction/);
    expect(await redis.with((client) => client.keys('*'))).toEqual([]);
  });

  it('by restarting with its append-only file delays a run, and changes no bit of it', async () => {
    cluster = await started(['--appendonly', 'yes', '--appendfsync', 'everysec']);
    undisturbed = (await train('undisturbed', async () => {})).hash;
    const { hash } = await train('restarted-with-aof', async (run) => {
      await run.step(20);
      await redis.down();
      await redis.up();
    });
    expect(hash).toBe(undisturbed);
  });

  it('by restarting without any of its data delays a run, and changes no bit of it', async () => {
    cluster = await started(['--appendonly', 'no']);
    const { hash, run } = await train('restarted-empty', async (run) => {
      await run.step(20);
      await redis.down();
      await redis.up();
      expect(run.lastStep).toBeLessThan(125);
    });
    expect(hash).toBe(undisturbed);
    expect(run.lastStep).toBe(125);
  });

  it('by not answering for longer than the lease lasts delays a run, and says so', async () => {
    cluster = await started(['--appendonly', 'yes', '--appendfsync', 'everysec']);
    const { hash, run } = await train('redis-away', async (run) => {
      await run.step(20);
      await redis.down();
      await run.event((event) => event.event === 'notice' && event.code === 'redis-silent');
      await redis.up();
      await run.event((event) => event.event === 'notice' && event.code === 'redis-back');
    });
    expect(hash).toBe(undisturbed);
    expect(run.notices('redis-silent')).toHaveLength(1);
  });

  it('by being full makes a run wait, and it goes on when there is room', async () => {
    cluster = await started(['--maxmemory-policy', 'noeviction']);
    const { hash, run } = await train('redis-full', async (run) => {
      await run.step(20);
      await redis.with((client) => client.config('SET', 'maxmemory', '1mb'));
      await run.event((event) => event.event === 'notice' && event.code === 'redis-full');
      await redis.with((client) => client.config('SET', 'maxmemory', '0'));
    });
    expect(hash).toBe(undisturbed);
    expect(run.notices('redis-full')[0]).toMatch(/Redis is full \(maxmemory\) and refused .*: raise its maxmemory/);
    expect(run.notices('redis-has-room')).toHaveLength(1);
  });
});
