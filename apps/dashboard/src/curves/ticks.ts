import { logTicks } from './log-ticks.js';

/** How far apart ticks between steps may be: no step has a half. */
export const stepIncrements = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

export function logStepTicks(low: number, high: number): number[] {
  return logTicks(low, high).filter(Number.isInteger);
}

/** The ticks in the first of the ways to write them that tells them all apart, else in the last. */
export function writeTicks(ticks: readonly (number | null)[], ways: readonly ((tick: number) => string)[]): string[] {
  const written = ways.map((way) => ticks.map((tick) => (tick === null ? '' : way(tick))));
  const different = new Set(ticks).size;
  return written.find((labels) => new Set(labels).size === different) ?? written.at(-1) ?? [];
}
