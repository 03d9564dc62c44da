import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import type { WorkerTransport } from '@elbo/transport/worker-transport';
import { afterAll, beforeAll, describe } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../tests/support/redis.js';
import { describeTransport } from './conformance/describe-transport.js';
import type { TransportBed } from './conformance/stage.js';

describe.skipIf(!redisForTests)('over Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());

  const open = (shareMemory: boolean) => async (): Promise<TransportBed> => {
    const common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'conformance' };
    const conductor = await createRedisConductorTransport(common);
    const workers: WorkerTransport[] = [];
    return {
      conductor,
      async worker() {
        const worker = await createRedisWorkerTransport({ ...common, shareMemory });
        workers.push(worker);
        return worker;
      },
      async close() {
        for (const worker of workers) await worker.close();
        await conductor.close();
      },
    };
  };
  describeTransport('with workers on the same host', open(true));
  describeTransport('with every byte on sockets', open(false));
});
