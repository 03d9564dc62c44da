import type uPlot from 'uplot';
import { count, short } from '../format/format.js';
import { colour } from '../theme.js';

const font = '12px system-ui, sans-serif';

/** An axis in the colours of the theme. */
export function axis(more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const grid = { stroke: colour('grid'), width: 1 };
  return { stroke: colour('muted'), font, grid, ticks: { ...grid, size: 4 }, gap: 4, ...more };
}

/** Steps along the bottom. */
export function stepAxis(): uPlot.Axis {
  return axis({ values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : short(tick))), space: 60, size: 30 });
}

export function valueAxis(format: (value: number) => string = plain, size = 52): uPlot.Axis {
  return axis({ values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))), size });
}

function plain(value: number): string {
  const text = Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(4)));
  return text.replace('-', '−');
}

/** Steps, linear or logarithmic. */
export function stepScale(logarithmic: boolean): uPlot.Scale {
  return { time: false, ...(logarithmic && { distr: 3, log: 10 }) };
}

/** The numbers of the series that are now in sight. */
export function* valuesInSight(plot: uPlot, positions: readonly number[]): Generator<number | null | undefined> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = plot.scales.x ?? {};
  const steps = plot.data[0];
  for (const series of positions) {
    const values = plot.data[series] ?? [];
    for (const [index, step] of steps.entries()) {
      if (step >= (min ?? -Infinity) && step <= (max ?? Infinity)) yield values[index];
    }
  }
}
