import type { Check } from './check.js';

const mend = 'set REDIS_URL, give --redis <url>, or install redis-server; embedded runs need none';

/** The Redis that `elbo train --redis` would use. */
export async function checkRedis(): Promise<Check> {
  try {
    const { locateRedis } = await import('@elbo/transport/redis/locate-redis');
    const found = await locateRedis(undefined);
    await found.stop();
    return { name: 'Redis', status: 'ok', detail: found.description };
  } catch (error) {
    return { name: 'Redis', status: 'missing', detail: (error as Error).message, mend };
  }
}
