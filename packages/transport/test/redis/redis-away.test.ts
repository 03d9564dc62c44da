import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { redisForTests } from '../../../../tests/support/redis.js';
import { RestartableRedis } from '../../../../tests/support/restartable-redis.js';
import { hello } from '../fixtures.js';
import { eventually } from '../recording-hooks.js';

it.skipIf(!redisForTests)(
  'a Redis that is away is said once for each connection, and so is that it is back',
  async () => {
    const redis = await RestartableRedis.start([]);
    const said: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => said.push((JSON.parse(line) as { msg: string }).msg) });
    const common = { redisUrl: redis.url, prefix: 'away', token: 'secret', logger };
    const worker = await createRedisWorkerTransport(common);
    const conductor = await createRedisConductorTransport(common);
    worker.takeShards(async () => {}, 1);
    conductor.conductRuns(async () => {});
    await redis.down();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await redis.up();
    const connections = 3;
    const back = () => said.filter((line) => line === 'the connection to Redis is back').length === connections;
    await eventually('all are back', back);
    expect(said.filter((line) => line === 'the connection to Redis was lost').length).toBe(connections);
    expect(said.length).toBe(2 * connections);
    await worker.close();
    await conductor.close();
    await redis.stop();
  },
);

it.skipIf(!redisForTests)(
  'what is told and looked at again and again does not pile up while Redis is away',
  async () => {
    const redis = await RestartableRedis.start([]);
    const common = { redisUrl: redis.url, prefix: 'away', token: 'secret', logger: pino({ level: 'silent' }) };
    const worker = await createRedisWorkerTransport(common);
    const directory = await createRedisRunDirectory(common);
    await redis.down();
    const times = { startedAt: 1, lastSeenAt: 2 };
    const counts = { runs: [], shardsDone: 0, shardsFailed: 0, examplesPerSecond: 0, load: 0, residentBytes: 1 };
    const report = { ...hello('w'), ...times, ...counts };
    const waiting = Array.from({ length: 100 }, () => [worker.report(report), directory.sweep()]);
    await redis.up();
    await Promise.all(waiting.flat());
    const calls = await redis.with((client) => client.info('commandstats'));
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(calls)?.[1])).toBeLessThan(5);
    expect(Number(/cmdstat_zrevrange:calls=(\d+)/.exec(calls)?.[1])).toBeLessThan(5);
    await worker.close();
    await directory.close();
    await redis.stop();
  },
);
