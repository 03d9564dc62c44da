/** The header tells whole seconds, and an answer takes a while: a smaller difference is none. */
const toleranceMs = 3000;

let aheadMs = 0;

/** Takes the time of an answer, for the clocks of this machine and of the server may differ by minutes. */
export function readClock(dateHeader: string | null, here = Date.now()): void {
  const difference = Date.parse(dateHeader ?? '') - here;
  if (Math.abs(difference - aheadMs) > toleranceMs) aheadMs = difference;
}

/** By the server's clock, as all times of runs and workers are: milliseconds since the Unix epoch. */
export function serverTime(here = Date.now()): number {
  return here + aheadMs;
}
