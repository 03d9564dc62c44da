import type { RunSummary } from '@elbo/protocol/cluster';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import type { LegendItem } from '../components/legend.js';
import { Plot, type PlotSync } from '../components/plot.js';
import { nats } from '../format/format.js';
import { colour } from '../theme.js';
import { logScale, stepAxis, stepScale, valueAxis } from './axes.js';
import { curveData, type History, ownSeries, type Term } from './curve-data.js';
import { comparedColours, logKl, logSteps, smoothing, withoutOutliers } from './curve-settings.js';
import { rangeOf } from './robust-range.js';
import { newestWithin, valuesWithin } from './values-within.js';

export interface ComparedRun {
  readonly run: RunSummary;
  readonly history: History;
}

interface TermPlotProps {
  readonly term: Term;
  readonly title: string;
  readonly own: History;
  readonly others: readonly ComparedRun[];
  readonly sync: PlotSync;
  readonly height?: number;
}

/** One term of the ELBO over the steps: of this run, and of those beside it. */
export function TermPlot({ term, title, own, others, sync, height = 240 }: TermPlotProps) {
  const logarithmic = term === 'klDivergence' && logKl.value;
  const weight = smoothing.value;
  const data = useMemo(() => {
    const histories = others.map(({ history }) => history);
    return curveData(own, histories, { term, smoothing: weight, positiveOnly: logarithmic });
  }, [own, others, term, weight, logarithmic]);
  const splits = (['train', 'test', 'validation'] as const).filter((split) => own.epochs.some((epoch) => epoch[split]));
  const legend: LegendItem[] = [
    { series: 2, name: 'steps', colour: 'train', format: nats },
    ...splits.map((split): LegendItem => {
      return { series: 1 + ownSeries.indexOf(split), name: split, colour: split, shape: 'dot', format: nats };
    }),
    ...others.map(({ run }, index): LegendItem => {
      const series = 1 + ownSeries.length + 2 * index;
      // Not its name: runs of one data set often have the same.
      return { series, name: run.runId, colour: comparedColours[index] as string, format: nats };
    }),
  ];
  const robust = withoutOutliers.value;
  const shape = [logarithmic, logSteps.value, robust, others.map(({ run }) => run.runId)].join();
  return (
    <Plot
      title={title}
      summary={summaryOf(title, own, term)}
      shape={shape}
      data={data}
      legend={legend}
      height={height}
      sync={sync}
      options={() => ({
        scales: {
          x: stepScale(logSteps.value),
          y: logarithmic
            ? logScale(1.1)
            : {
                range: ({ data }) => {
                  const part = sync.zoom.value;
                  const values = valuesWithin(part, data, measuredSeries(others.length));
                  return rangeOf(values, robust, newestWithin(part, data, epochSeries(others.length)));
                },
              },
        },
        axes: [stepAxis(logSteps.value), valueAxis({ logarithmic })],
        series: [{}, ...ownLines(), ...others.flatMap((_, index) => comparedLines(index))],
      })}
    />
  );
}

/** All but the steps as they are: their noise would widen the range. */
function measuredSeries(others: number): number[] {
  return Array.from({ length: ownSeries.length - 1 + 2 * others }, (_, index) => index + 2);
}

/** What the ends of epochs measured, of this run and of those beside it. */
function epochSeries(others: number): number[] {
  return [3, 4, 5, ...Array.from({ length: others }, (_, index) => 2 + ownSeries.length + 2 * index)];
}

function ownLines(): uPlot.Series[] {
  const dotted = (name: string, size: number): uPlot.Series => {
    return { stroke: colour(name), width: 2, points: { show: true, size, fill: colour(name), stroke: colour(name) } };
  };
  return [
    { stroke: colour('train-faint'), width: 1, points: { show: false } },
    { stroke: colour('train'), width: 1.5, points: { show: false } },
    { ...dotted('train', 6), dash: [4, 4] },
    dotted('test', 7),
    dotted('validation', 6),
  ];
}

function comparedLines(index: number): uPlot.Series[] {
  const stroke = colour(comparedColours[index] as string);
  return [
    { stroke, width: 1.5, points: { show: false } },
    { stroke, width: 1.5, dash: [6, 4], points: { show: true, size: 5, fill: stroke, stroke } },
  ];
}

function summaryOf(title: string, own: History, term: Term): string {
  const epoch = own.epochs.at(-1);
  const step = own.steps.at(-1);
  if (epoch) {
    const split = epoch.test ? 'test' : 'train';
    return `${title} over the steps; ${nats((epoch.test ?? epoch.train)[term])} nats on the ${split} split after epoch ${epoch.epoch}`;
  }
  const value = step?.[term];
  if (!step || value === null || value === undefined) return `${title}: no step yet`;
  return `${title} over the steps; ${nats(value)} nats at step ${step.step}`;
}
