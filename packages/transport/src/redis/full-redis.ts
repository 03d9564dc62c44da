import type { Redis } from 'ioredis';
import { RedisEvictsError, RedisFullError } from '../errors.js';

/** Gives the refusal of a full Redis its name; every other error stays what it is. */
export async function namingFull<T>(what: string, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof Error && error.message.includes('OOM command not allowed')) {
      throw new RedisFullError(what, { cause: error });
    }
    throw error;
  }
}

/**
 * A Redis that evicts keys when it is full would lose jobs, leases and records without a word.
 * @throws RedisEvictsError when it has a memory limit and a policy other than noeviction
 */
export async function requireNoEviction(client: Redis): Promise<void> {
  const memory = await client.info('memory');
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(memory)?.[1] ?? '';
  const policy = field('maxmemory_policy');
  if (Number(field('maxmemory')) > 0 && policy !== 'noeviction') throw new RedisEvictsError(policy);
}
