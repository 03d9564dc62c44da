import { RedisUnavailableError } from '../errors.js';
import { connectRedis } from './connection.js';
import { findRedisServer, startPrivateRedis } from './private-redis.js';
import { withoutPassword } from './without-password.js';

export interface LocatedRedis {
  readonly url: string;
  readonly how: 'given' | 'environment' | 'localhost' | 'private';
  /** One sentence for a person: which Redis, and why this one. */
  readonly description: string;
  /** Ends a private one; leaves any other alone. */
  stop(): Promise<void>;
}

const localhost = 'redis://127.0.0.1:6379';

/**
 * A Redis to work with: the one given, else REDIS_URL, else one that answers on localhost:6379, else a private one
 * started from the `redis-server` on PATH.
 * @throws RedisUnavailableError saying what was tried. One that was named and does not answer is not replaced.
 */
export async function locateRedis(url?: string): Promise<LocatedRedis> {
  if (url !== undefined && url !== '') return named(url, 'given', 'as given');
  const fromEnvironment = process.env.REDIS_URL;
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return named(fromEnvironment, 'environment', 'from REDIS_URL');
  }
  const refused = await whyNot(localhost);
  if (refused === null) {
    return { url: localhost, how: 'localhost', description: `${localhost}, which answers`, stop: async () => {} };
  }
  const binary = findRedisServer();
  if (binary === null) {
    throw new RedisUnavailableError(
      `no Redis was found: no address was given, REDIS_URL is not set, ${localhost} does not serve (${refused.message}), and there is no redis-server on PATH; install one (for example: apt install redis-server) or give an address`,
    );
  }
  const redis = await startPrivateRedis(binary);
  return { url: redis.url, how: 'private', description: `a private one, started from ${binary}`, stop: redis.stop };
}

async function named(url: string, how: 'given' | 'environment', why: string): Promise<LocatedRedis> {
  const refused = await whyNot(url);
  if (refused !== null) throw refused;
  return { url, how, description: `${withoutPassword(url)}, ${why}`, stop: async () => {} };
}

async function whyNot(url: string): Promise<Error | null> {
  try {
    const client = await connectRedis(url);
    client.disconnect();
    return null;
  } catch (error) {
    if (error instanceof RedisUnavailableError) return error;
    throw error;
  }
}
