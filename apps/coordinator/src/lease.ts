import { z } from 'zod';

/** How long a lease lasts without a sign of its holder. It is renewed four times in that time. */
export const leaseMs = 2_500;

const recordSchema = z.object({ outcome: z.string() });

/** Whether a run's record says that nothing is left to do. One that was changed from outside says nothing. */
export function isCompleted(record: string | null): boolean {
  try {
    return recordSchema.parse(JSON.parse(record ?? '')).outcome === 'completed';
  } catch {
    return false;
  }
}
