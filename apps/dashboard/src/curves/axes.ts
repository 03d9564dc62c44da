import type uPlot from 'uplot';
import { count, short } from '../format/format.js';
import { colour } from '../theme.js';
import { logTicks } from './log-ticks.js';

const font = '12px system-ui, sans-serif';

/** An axis in the colours of the theme. */
export function axis(more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const grid = { stroke: colour('grid'), width: 1 };
  return { stroke: colour('muted'), font, grid, ticks: { ...grid, size: 4 }, gap: 4, ...more };
}

/** Steps along the bottom. */
export function stepAxis(logarithmic: boolean): uPlot.Axis {
  return axis({ values: labelled(short), space: 60, size: 30, ...(logarithmic && logSplits) });
}

export function valueAxis({ format = plain, size = 52, logarithmic = false } = {}): uPlot.Axis {
  return axis({ values: labelled(format), size, ...(logarithmic && logSplits) });
}

function labelled(format: (value: number) => string): uPlot.Axis.Values {
  return (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick)));
}

const logSplits: Partial<uPlot.Axis> = {
  splits: (_, __, low, high) => logTicks(low, high),
  filter: (_, ticks) => ticks,
};

function plain(value: number): string {
  const text = Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(4)));
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
