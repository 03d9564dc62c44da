import type { Redis } from 'ioredis';
import { connectRedis } from './connection.js';
import { directoryKeys } from './directory-keys.js';
import { queuePrefix } from './queues.js';
import { runKeys } from './redis-run-store.js';

/** Removes all that a run has left, its record too. Only for a run that nobody conducts. */
export async function removeKeysOfRun(client: Redis, prefix: string, runId: string): Promise<void> {
  const { lease, record, snapshot, tensors, events } = runKeys(prefix, runId);
  await client.unlink(lease, record, snapshot, tensors, events);
  await client.zrem(directoryKeys(prefix).index, runId);
}

/** Removes every key of a prefix: queues, runs, records. For tests and for prefixes that one command had to itself. */
export async function obliterate(redisUrl: string, prefix: string): Promise<void> {
  await withClient(redisUrl, async (client) => {
    const keys = await listKeys(client, prefix);
    if (keys.length > 0) await client.unlink(...keys);
  });
}

/** The keys of a prefix that exist. */
export async function keysOf(redisUrl: string, prefix: string): Promise<string[]> {
  return withClient(redisUrl, (client) => listKeys(client, prefix));
}

async function listKeys(client: Redis, prefix: string): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of [`${escapeGlob(prefix)}:*`, `${escapeGlob(queuePrefix(prefix))}:*`]) {
    for await (const batch of client.scanStream({ match: pattern, count: 1000 }) as AsyncIterable<string[]>) {
      for (const key of batch) found.add(key);
    }
  }
  return [...found];
}

async function withClient<T>(redisUrl: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = await connectRedis(redisUrl);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
