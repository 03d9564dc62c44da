import type { PlacedEvent } from '@elbo/protocol/cluster';
import { runEventSchema } from '@elbo/protocol/events';
import type { Redis } from 'ioredis';

/** Bytes of events that Redis keeps of a run, about. */
const eventBytes = 512 * 1024;
const mostEvents = 1000;
/** What is kept of a run that is over, when its run folder has everything. */
export const eventsOfOver = 100;

/** How many events of a run are kept. Those of epochs have a number for each latent dimension. */
export function eventsKept(latentDim: number): number {
  return Math.max(50, Math.min(mostEvents, Math.floor(eventBytes / (400 + 20 * latentDim))));
}

/** What the directory keeps of a run in Redis at most: its record and its events, bytes. */
export function directoryBytes(latentDim: number): number {
  return 64 * 1024 + eventsKept(latentDim) * (800 + 20 * latentDim);
}

/** Reads a run's stream after a place in it; what is not an event of ours is passed over. */
export async function readEventsAfter(
  client: Redis,
  key: string,
  id: string | null,
): Promise<{ events: PlacedEvent[]; gap: boolean }> {
  const after = id === null ? null : placeOf(id);
  const entries = await client.xrange(key, after === null ? '-' : `(${after}-0`, '+', 'COUNT', 2 * mostEvents);
  const events = entries.flatMap(([place, fields]) => {
    const event = readEvent(fields);
    return event === null ? [] : [{ id: place, event }];
  });
  return { events, gap: id !== null && (await isGap(client, key, after, entries[0]?.[0])) };
}

/** Places count up from 1: what follows place n directly is n + 1. */
async function isGap(client: Redis, key: string, after: bigint | null, next: string | undefined): Promise<boolean> {
  if (after === null) return true;
  if (next !== undefined) return placeOf(next) !== after + 1n;
  // One that came since the look above is not missing: it is the next to be read.
  const [last] = await client.xrevrange(key, '+', '-', 'COUNT', 1);
  return ((last && placeOf(last[0])) ?? 0n) < after;
}

/** Null when it is not the id of a place: ids come back from outside. */
function placeOf(id: string): bigint | null {
  const [, digits] = /^(\d{1,15})-0$/.exec(id) ?? [];
  return digits === undefined ? null : BigInt(digits);
}

function readEvent(fields: readonly string[]) {
  if (fields.length !== 2 || fields[0] !== 'event') return null;
  try {
    return runEventSchema.safeParse(JSON.parse(fields[1] as string)).data ?? null;
  } catch {
    return null; // not JSON: somebody else wrote it
  }
}
