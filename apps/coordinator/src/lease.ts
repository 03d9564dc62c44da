import { z } from 'zod';

/**
 * How long a lease lasts without a sign of its holder, who renews it five times in that time: a Redis that is away for
 * a second, or an event loop that is busy for one, does not cost it.
 */
export const leaseMs = 2_000;
/** Copying and hashing a checkpoint holds the event loop up: bytes in a millisecond, on a slow machine. */
const checkpointBytesPerMs = 200_000;

/** Of a run whose checkpoints have so many bytes. */
export function leaseMsFor(checkpointBytes: number): number {
  return leaseMs + Math.ceil(checkpointBytes / checkpointBytesPerMs);
}

const recordSchema = z.object({ outcome: z.string() });

/** Whether a run's record says that nothing is left to do. One that was changed from outside says nothing. */
export function isCompleted(record: string | null): boolean {
  try {
    return recordSchema.parse(JSON.parse(record ?? '')).outcome === 'completed';
  } catch {
    return false;
  }
}
