import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { redisForTests } from '../../../../tests/support/redis.js';
import { RestartableRedis } from '../../../../tests/support/restartable-redis.js';
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
