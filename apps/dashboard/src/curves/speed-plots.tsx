import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { Plot, type PlotSync } from '../components/plot.js';
import { count, short } from '../format/format.js';
import type { StepPoint } from '../run/metrics-history.js';
import { colour } from '../theme.js';
import { logScale, stepAxis, stepScale, valueAxis } from './axes.js';
import { logSteps, smoothing, withoutOutliers } from './curve-settings.js';
import { rangeOf } from './robust-range.js';
import { smooth } from './smooth.js';
import { stack } from './stack.js';
import { valuesWithin } from './values-within.js';

interface StepsPlotProps {
  readonly steps: readonly StepPoint[];
  readonly sync: PlotSync;
}

export function ThroughputPlot({ steps, sync }: StepsPlotProps) {
  const { data, newest } = useSmoothed(steps, (point) => point.imagesPerSecond);
  return (
    <Plot
      title="Examples a second"
      summary={`Examples a second over the steps; ${count(newest)} now`}
      shape={`${logSteps.value}`}
      data={data}
      legend={[{ series: 2, name: 'smoothed', colour: 'train', format: count }]}
      sync={sync}
      options={() => ({
        scales: { x: stepScale(logSteps.value), y: { range: (_, __, max) => [0, (max || 1) * 1.05] } },
        axes: [stepAxis(logSteps.value), valueAxis({ format: short })],
        series: [
          {},
          { stroke: colour('train-faint'), width: 1, points: { show: false } },
          { stroke: colour('train'), width: 1.5, points: { show: false } },
        ],
      })}
    />
  );
}

const norm = (value: number) => value.toPrecision(3);

export function GradientNormPlot({ steps, sync }: StepsPlotProps) {
  const { data, newest } = useSmoothed(steps, ({ gradientNorm }) => (gradientNorm ? gradientNorm : null));
  if (data[1]?.every((value) => value === null)) return null;
  return (
    <Plot
      title="Norm of the gradient"
      summary={`Global norm of the averaged gradient over the steps, on a logarithmic scale; ${norm(newest)} now`}
      shape={`${logSteps.value}`}
      data={data}
      legend={[{ series: 2, name: 'smoothed', colour: 'train', format: norm }]}
      sync={sync}
      options={() => ({
        scales: { x: stepScale(logSteps.value), y: logScale(1.1) },
        axes: [stepAxis(logSteps.value), valueAxis({ logarithmic: true })],
        series: [
          {},
          { stroke: colour('train-faint'), width: 1, points: { show: false } },
          { stroke: colour('train'), width: 1.5, points: { show: false } },
        ],
      })}
    />
  );
}

/** Parts of a step's time, from the bottom of the stack to its top. */
const phases = [
  { column: 'computeMs', name: 'compute', colour: 'phase-compute' },
  { column: 'transportMs', name: 'transport', colour: 'phase-transport' },
  { column: 'reduceMs', name: 'reduce', colour: 'phase-reduce' },
  { column: 'waitMs', name: 'wait', colour: 'phase-wait' },
] as const;

const milliseconds = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

export function StepTimePlot({ steps, sync }: StepsPlotProps) {
  const weight = smoothing.value;
  const { data, readings, latest } = useMemo(() => stackOf(steps, weight), [steps, weight]);
  const robust = withoutOutliers.value;
  if (data[0].length === 0) return null;
  return (
    <Plot
      title="Where a step’s time goes"
      summary={`Time of a step over the steps, stacked: ${phases.map(({ name }, index) => `${name} ${milliseconds(latest[index] as number)}`).join(', ')}`}
      shape={`${logSteps.value} ${robust}`}
      data={data}
      readings={readings}
      legend={phases.map(({ name, colour: ink }, index) => {
        return { series: index + 1, name, colour: ink, shape: 'block', format: milliseconds };
      })}
      sync={sync}
      options={() => ({
        scales: {
          x: stepScale(logSteps.value),
          y: { range: ({ data }) => [0, rangeOf(valuesWithin(sync.zoom.value, data, [1]), robust)[1]] },
        },
        axes: [stepAxis(logSteps.value), valueAxis({ format: (value) => `${value} ms`, size: 60 })],
        // The tallest first: each covers the lower part of the one before.
        series: [
          {},
          ...phases
            .map(({ colour: name }) => ({
              fill: colour(name),
              stroke: colour(name),
              width: 1,
              points: { show: false },
            }))
            .reverse(),
        ],
      })}
    />
  );
}

/** A column of the steps as it is, and smoothed. */
function useSmoothed(steps: readonly StepPoint[], read: (point: StepPoint) => number | null) {
  const weight = smoothing.value;
  return useMemo(() => {
    const positions = steps.map(({ step }) => step);
    const raw = steps.map(read);
    const data: uPlot.AlignedData = [positions, raw, smooth(raw, positions, weight)];
    return { data, newest: raw.at(-1) ?? 0 };
  }, [steps, weight]);
}

/** The parts of a step's time on top of each other, the tallest first; and each for itself, to be read. */
function stackOf(steps: readonly StepPoint[], weight: number) {
  const timed = steps.filter((point) => point.computeMs !== null);
  const positions = timed.map(({ step }) => step);
  const parts = phases.map(({ column }) => {
    const values = timed.map((point) => point[column] ?? 0);
    return smooth(values, positions, weight);
  });
  const data: uPlot.AlignedData = [positions, ...stack(parts).reverse()];
  const readings: uPlot.AlignedData = [positions, ...parts];
  return { data, readings, latest: parts.map((part) => part.at(-1) ?? 0) };
}
