import ioredis = require('ioredis');

import { RedisUnavailableError } from '../errors.js';
import type { Logger } from '../log.js';
import { messageOf } from '../message-of.js';
import { withoutPassword } from './without-password.js';

const connectDeadlineMs = 5000;

/**
 * A connection that is ready; afterwards it comes back by itself when Redis does, and commands wait for it.
 * @throws RedisUnavailableError when nothing answers at first.
 */
export async function connectRedis(url: string, logger?: Logger): Promise<ioredis.Redis> {
  let lastError: Error | null = null;
  assertDecodable(url);
  const client = new ioredis.Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: connectDeadlineMs,
    // Before the first connection no retry; after it, without end.
    retryStrategy: (times) => (connected ? Math.min(50 * 2 ** times, 250) : null),
  });
  let connected = false;
  client.on('error', (error: Error) => {
    lastError = error;
  });
  let deadline: NodeJS.Timeout | undefined;
  try {
    // Something that takes the connection and says nothing. One that says that it is loading its data is waited for.
    deadline = setTimeout(() => {
      if (client.stream.bytesRead > 0) return;
      lastError = new Error(`no answer in ${connectDeadlineMs / 1000} seconds`);
      client.disconnect();
    }, connectDeadlineMs);
    await client.connect();
    await client.ping();
  } catch (error) {
    client.disconnect();
    const cause = lastError ?? error;
    throw new RedisUnavailableError(
      `no Redis answers at ${withoutPassword(url)} (${messageOf(cause)}); start one there or give another address`,
      { cause },
    );
  } finally {
    clearTimeout(deadline);
  }
  connected = true;
  let lost = false;
  client.on('reconnecting', () => {
    // Said once, not at every try.
    if (!lost) logger?.warn({ url: withoutPassword(url), err: lastError }, 'the connection to Redis was lost');
    lost = true;
  });
  client.on('ready', () => {
    logger?.warn({ url: withoutPassword(url) }, 'the connection to Redis is back');
    lost = false;
  });
  return client;
}

/** ioredis would say 'URI malformed', and of what. */
function assertDecodable(url: string): void {
  try {
    decodeURIComponent(/:\/\/(.*)@/s.exec(url)?.[1] ?? '');
  } catch (error) {
    const mend = 'a % in it begins the code of a sign, such as %25 for itself';
    throw new RedisUnavailableError(`the address ${withoutPassword(url)} cannot be read: ${mend}`, { cause: error });
  }
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** BullMQ tells of a Redis that is away at every try, four times a second; connectRedis does so once. */
export function saysRedisIsAway(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return connectionCodes.has(code) || error.message === 'Connection is closed.';
}
