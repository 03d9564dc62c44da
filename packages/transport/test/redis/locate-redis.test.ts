import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { locateRedis } from '@elbo/transport/redis/locate-redis';
import { findRedisServer, startPrivateRedis } from '@elbo/transport/redis/private-redis';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../recording-hooks.js';

describe('locating a Redis', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('does not replace one that was named and does not answer, and keeps its password to itself', async () => {
    const nobody = 'redis://:hunter2@127.0.0.1:1';
    const complaint = { code: 'REDIS_UNAVAILABLE', message: expect.stringContaining('127.0.0.1:1') };
    await expect(locateRedis(nobody)).rejects.toMatchObject(complaint);
    vi.stubEnv('REDIS_URL', nobody);
    await expect(locateRedis()).rejects.toMatchObject(complaint);
    await expect(locateRedis()).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') });
    const withSigns = locateRedis('redis://:hunter@2@127.0.0.1:1');
    await expect(withSigns).rejects.toMatchObject({ message: expect.stringContaining('redis://***@127.0.0.1:1 ') });
  });

  it('names an address that cannot be read', async () => {
    const message = expect.stringMatching(/^the address redis:\/\/\*\*\*@127.0.0.1:1 cannot be read: a % in it begins/);
    const unreadable = locateRedis('redis://:100%safe@127.0.0.1:1');
    await expect(unreadable).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE', message });
  });

  it('finds no redis-server on a PATH that has none', () => {
    expect(findRedisServer('/nowhere:/also/nowhere')).toBeNull();
  });

  describe.skipIf(findRedisServer() === null)('with a redis-server on PATH', () => {
    it('takes the one given before the one of the environment', async () => {
      const [given, environment] = await Promise.all([
        startPrivateRedis(findRedisServer() as string),
        startPrivateRedis(findRedisServer() as string),
      ]);
      vi.stubEnv('REDIS_URL', environment.url);
      expect(await locateRedis(given.url)).toMatchObject({ url: given.url, how: 'given' });
      expect(await locateRedis()).toMatchObject({ url: environment.url, how: 'environment' });
      await Promise.all([given.stop(), environment.stop()]);
    });

    it('starts a private one that works, and leaves nothing of it', async () => {
      const redis = await startPrivateRedis(findRedisServer() as string);
      const client = new Redis(redis.url);
      expect(await client.set('key', 'value')).toBe('OK');
      client.disconnect();
      await redis.stop();
      expect(existsSync(dirname(redis.url))).toBe(false);
    });

    it('ends a private one when the process that started it is killed', async () => {
      const child = fork(new URL('./private-redis-holder.mjs', import.meta.url));
      const [url] = (await once(child, 'message')) as [string];
      expect(existsSync(url)).toBe(true);
      child.kill('SIGKILL');
      await eventually('server and folder are gone', () => !existsSync(dirname(url)));
    });
  });
});
