import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { redisForTests, startTestRedis } from '../../../../tests/support/redis.js';
import { eventually } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

it.skipIf(!redisForTests)('a conductor whose address is taken says so and leaves no connection open', async () => {
  const redis = await startTestRedis();
  const options = {
    redisUrl: `${redis.url}${redis.url.includes('?') ? '&' : '?'}connectionName=${redis.freshPrefix()}`,
  };
  const common = { ...options, prefix: redis.freshPrefix(), token: 'secret' };
  const first = await createRedisConductorTransport(common);
  const observer = new Redis(redis.url);
  const name = options.redisUrl.split('connectionName=')[1] as string;
  const connections = async () => String(await observer.client('LIST')).split(`name=${name}`).length - 1;
  const before = await connections();
  const listen = { port: Number(new URL(first.address).port) };
  const second = createRedisConductorTransport({ ...common, listen });
  await expect(second).rejects.toMatchObject({
    code: 'CANNOT_LISTEN',
    message: `workers cannot be served on 127.0.0.1:${listen.port} (EADDRINUSE): listen on another address`,
  });
  expect(before).toBeGreaterThan(0);
  await eventually('its connections are closed', async () => (await connections()) === before);
  observer.disconnect();
  await first.close();
  await redis.stop();
});
