import type uPlot from 'uplot';
import { count, short } from '../format/format.js';
import { colour } from '../theme.js';
import { logTicks } from './log-ticks.js';
import { logStepTicks, stepIncrements, writeTicks } from './ticks.js';

const font = '12px system-ui, sans-serif';

/** An axis in the colours of the theme. */
export function axis(more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const grid = { stroke: colour('grid'), width: 1 };
  return { stroke: colour('muted'), font, grid, ticks: { ...grid, size: 4 }, gap: 4, ...more };
}

/** Steps along the bottom. */
export function stepAxis(logarithmic: boolean): uPlot.Axis {
  const places = logarithmic ? logSplits(logStepTicks) : { incrs: stepIncrements };
  return axis({ values: labelled(short, count), space: 60, size: 30, ...places });
}

/** As wide as its labels, and no narrower than those of most plots: what is above each other lines up. */
export function valueAxis({ format = plain, size = 52, logarithmic = false } = {}): uPlot.Axis {
  const wide = (_: uPlot, labels: readonly string[] | null) =>
    Math.max(size, 12 + 7 * Math.max(0, ...(labels ?? []).map((label) => label.length)));
  return axis({ values: labelled(format), size: wide, ...(logarithmic && logSplits(logTicks)) });
}

function labelled(...ways: ((value: number) => string)[]): uPlot.Axis.Values {
  return (_, ticks) => writeTicks(ticks, ways);
}

function logSplits(ticks: (low: number, high: number) => number[]): Partial<uPlot.Axis> {
  return { splits: (_, __, low, high) => ticks(low, high), filter: (_, all) => all };
}

function plain(value: number): string {
  const size = Math.abs(value);
  // More digits than these find no place beside the plot.
  if (size >= 1e5) return short(value);
  const text = size >= 1000 ? count(value) : String(Number(value.toPrecision(4)));
  return text.replace('-', '−');
}

/** Steps, linear or logarithmic. */
export function stepScale(logarithmic: boolean): uPlot.Scale {
  return logarithmic ? { time: false, ...logScale(1) } : { time: false };
}

/** A logarithmic scale that ends where the values do, with some air, and not at the next power of ten. */
export function logScale(air: number): uPlot.Scale {
  return {
    distr: 3,
    log: 10,
    range: (_, low, high) => (low > 0 ? [low / air, Math.max(high, 1.01 * low) * air] : [1, 10]),
  };
}
