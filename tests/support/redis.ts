import { randomUUID } from 'node:crypto';
import { findRedisServer, startPrivateRedis } from '@elbo/transport/redis/private-redis';
import { keysOf, obliterate } from '@elbo/transport/redis/remove-keys';

export interface TestRedis {
  readonly url: string;
  /** A key prefix that no other test has. */
  freshPrefix(): string;
  keysOf(prefix: string): Promise<string[]>;
  /** Removes what the prefixes given out have left, and ends the server if it was started for the tests. */
  stop(): Promise<void>;
}

/** Whether tests that need a Redis can run: REDIS_URL is set, or there is a redis-server to start. */
export const redisForTests = process.env.REDIS_URL !== undefined || findRedisServer() !== null;

if (!redisForTests) {
  const message = 'NO REDIS: set REDIS_URL or put a redis-server on PATH. The tests that need one';
  if (process.env.CI !== undefined) throw new Error(`${message} must run in CI.`);
  console.error(`\n*** ${message} are SKIPPED. ***\n`);
}

/** The Redis of REDIS_URL, else one started for the caller alone. */
export async function startTestRedis(): Promise<TestRedis> {
  const prefixes: string[] = [];
  const { url, stop } = await startOrUse();
  return {
    url,
    freshPrefix() {
      const prefix = `elbo-test-${randomUUID()}`;
      prefixes.push(prefix);
      return prefix;
    },
    keysOf: (prefix) => keysOf(url, prefix),
    async stop() {
      for (const prefix of prefixes) await obliterate(url, prefix);
      await stop();
    },
  };
}

async function startOrUse(): Promise<{ url: string; stop: () => Promise<void> }> {
  if (process.env.REDIS_URL !== undefined) return { url: process.env.REDIS_URL, stop: async () => {} };
  return startPrivateRedis(findRedisServer() ?? 'redis-server');
}
