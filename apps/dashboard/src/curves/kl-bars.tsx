import { useMemo } from 'preact/hooks';
import uPlot from 'uplot';
import { Plot } from '../components/plot.js';
import { count, plural } from '../format/format.js';
import { activeUnits, collapseThresholds } from '../run/posterior-collapse.js';
import { colour } from '../theme.js';
import { axis, valueAxis } from './axes.js';

/** More bars than this are numbered by rank, not named by dimension. */
const namedBars = 32;

/** KL of each latent dimension, the largest first. */
export function KlBars({ klPerDimension }: { readonly klPerDimension: readonly number[] }) {
  const { sorted, data } = useMemo(() => barsOf(klPerDimension), [klPerDimension]);
  const active = activeUnits(klPerDimension);
  const inactive = sorted.length - active;
  const { activeUnitNats } = collapseThresholds;
  const named = sorted.length <= namedBars;
  const names = sorted.map(({ dimension }) => dimension);
  const format = (value: number) => value.toFixed(3);
  const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
  return (
    <Plot
      title="KL of each dimension"
      summary={`${count(active)} of ${plural(sorted.length, 'latent dimension')} with a KL above ${activeUnitNats} nats; the largest is ${format(sorted[0]?.kl ?? 0)}`}
      shape={`${names}`}
      data={data}
      legend={[
        { name: `${count(active)} active`, colour: 'train', shape: 'block' },
        { name: `${count(inactive)} inactive (≤ ${activeUnitNats} nats)`, colour: 'idle', shape: 'block' },
      ]}
      options={() => ({
        scales: {
          x: { time: false, range: [-0.6, Math.max(0, sorted.length - 1) + 0.6] },
          y: { range: (_, __, max) => [0, Math.max(max * 1.08, activeUnitNats)] },
        },
        axes: [
          axis({
            size: 30,
            grid: { show: false },
            incrs: named ? [1, 2, 4] : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
            space: 22,
            values: (_, ticks) => ticks.map((rank) => `${named ? (names[rank] ?? '') : rank + 1}`),
          }),
          valueAxis(),
        ],
        series: [
          {},
          { fill: colour('train'), width: 0, points: { show: false }, ...(bars && { paths: bars }) },
          { fill: colour('idle'), width: 0, points: { show: false }, ...(bars && { paths: bars }) },
        ],
      })}
    />
  );
}

function barsOf(klPerDimension: readonly number[]) {
  const sorted = klPerDimension.map((kl, dimension) => ({ kl, dimension })).sort((a, b) => b.kl - a.kl);
  const { activeUnitNats } = collapseThresholds;
  const data: uPlot.AlignedData = [
    sorted.map((_, rank) => rank),
    sorted.map(({ kl }) => (kl > activeUnitNats ? kl : null)),
    sorted.map(({ kl }) => (kl > activeUnitNats ? null : kl)),
  ];
  return { sorted, data };
}
