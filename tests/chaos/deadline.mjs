import { setTimeout as delay } from 'node:timers/promises';

/** Settles as the promise does, or rejects with the message when it takes longer. */
export async function withDeadline(promise, ms, message) {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${message} within ${ms / 1000} seconds`);
  });
  late.catch(() => {}); // aborted
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
