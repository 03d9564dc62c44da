/** How long a lease lasts without a sign of its holder. It is renewed four times in that time. */
export const leaseMs = 2_500;

/** Whether a run's record says that nothing is left to do. */
export function isCompleted(record: string | null): boolean {
  return record !== null && (JSON.parse(record) as { outcome?: unknown }).outcome === 'completed';
}
