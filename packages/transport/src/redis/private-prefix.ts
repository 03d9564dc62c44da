import type { Redis } from 'ioredis';
import type { Logger } from '../log.js';
import { connectRedis } from './connection.js';
import { obliterate } from './remove-keys.js';

/** Every prefix that one command has to itself, until it is removed. */
const registryKey = 'elbo-private-prefixes';
const aliveMs = 30_000;
const beatMs = 10_000;

const aliveKey = (prefix: string) => `${prefix}:alive`;

export interface PrivatePrefix {
  /** Removes all keys of the prefix. */
  release(): Promise<void>;
}

/**
 * Takes a key prefix for one command alone. A key that expires says that the command lives: what a killed one has left
 * is removed by the next sweepPrivatePrefixes.
 */
export async function claimPrivatePrefix(redisUrl: string, prefix: string, logger?: Logger): Promise<PrivatePrefix> {
  const client = await connectRedis(redisUrl, logger);
  const beat = () => client.set(aliveKey(prefix), '1', 'PX', aliveMs);
  // Alive comes first: a sweep in between must not take it for dead.
  await beat();
  await client.sadd(registryKey, prefix);
  const timer = setInterval(() => void beat().catch(() => {}), beatMs);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      client.disconnect();
      await obliterate(redisUrl, prefix);
      await forget(redisUrl, prefix);
    },
  };
}

/** Removes what killed commands have left in Redis. @returns their prefixes */
export async function sweepPrivatePrefixes(redisUrl: string): Promise<string[]> {
  const client = await connectRedis(redisUrl);
  try {
    const swept: string[] = [];
    for (const prefix of await client.smembers(registryKey)) {
      if (await isAlive(client, prefix)) continue;
      await obliterate(redisUrl, prefix);
      await client.srem(registryKey, prefix);
      swept.push(prefix);
    }
    return swept;
  } finally {
    client.disconnect();
  }
}

async function isAlive(client: Redis, prefix: string): Promise<boolean> {
  return (await client.exists(aliveKey(prefix))) === 1;
}

async function forget(redisUrl: string, prefix: string): Promise<void> {
  const client = await connectRedis(redisUrl);
  try {
    await client.srem(registryKey, prefix);
  } finally {
    client.disconnect();
  }
}
