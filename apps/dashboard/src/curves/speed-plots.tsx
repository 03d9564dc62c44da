import type uPlot from 'uplot';
import { Plot, type PlotSync } from '../components/plot.js';
import { count, short } from '../format/format.js';
import type { StepPoint } from '../run/metrics-history.js';
import { colour } from '../theme.js';
import { stepAxis, stepScale, valueAxis, valuesInSight } from './axes.js';
import { logSteps, smoothing, withoutOutliers } from './curve-settings.js';
import { rangeOf } from './robust-range.js';
import { smooth } from './smooth.js';
import { stack } from './stack.js';

interface StepsPlotProps {
  readonly steps: readonly StepPoint[];
  readonly sync: PlotSync;
}

export function ThroughputPlot({ steps, sync }: StepsPlotProps) {
  const raw = steps.map((point) => point.imagesPerSecond);
  const positions = steps.map(({ step }) => step);
  const data: uPlot.AlignedData = [positions, raw, smooth(raw, positions, smoothing.value)];
  return (
    <Plot
      title="Images a second"
      summary={`Images a second over the steps; ${count(raw.at(-1) ?? 0)} now`}
      shape={`${logSteps.value}`}
      data={data}
      legend={[{ series: 2, name: 'smoothed', colour: 'train', format: count }]}
      sync={sync}
      options={() => ({
        scales: { x: stepScale(logSteps.value), y: { range: (_, __, max) => [0, (max || 1) * 1.05] } },
        axes: [stepAxis(), valueAxis(short)],
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
  const raw = steps.map(({ gradientNorm }) => (gradientNorm !== null && gradientNorm > 0 ? gradientNorm : null));
  if (raw.every((value) => value === null)) return null;
  const positions = steps.map(({ step }) => step);
  const data: uPlot.AlignedData = [positions, raw, smooth(raw, positions, smoothing.value)];
  return (
    <Plot
      title="Norm of the gradient"
      summary={`Global norm of the averaged gradient over the steps, on a logarithmic scale; ${norm(raw.at(-1) ?? 0)} now`}
      shape={`${logSteps.value}`}
      data={data}
      legend={[{ series: 2, name: 'smoothed', colour: 'train', format: norm }]}
      sync={sync}
      options={() => ({
        scales: { x: stepScale(logSteps.value), y: { distr: 3, log: 10 } },
        axes: [stepAxis(), valueAxis()],
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
  const timed = steps.filter((point) => point.computeMs !== null);
  if (timed.length === 0) return null;
  const positions = timed.map(({ step }) => step);
  const parts = phases.map(({ column }) => {
    const values = timed.map((point) => point[column] ?? 0);
    return smooth(values, positions, smoothing.value);
  });
  const robust = withoutOutliers.value;
  const latest = parts.map((part) => part.at(-1) ?? 0);
  return (
    <Plot
      title="Where a step’s time goes"
      summary={`Time of a step over the steps, stacked: ${phases.map(({ name }, index) => `${name} ${milliseconds(latest[index] as number)}`).join(', ')}`}
      shape={`${logSteps.value} ${robust}`}
      data={[positions, ...stack(parts).reverse()]}
      readings={[positions, ...parts]}
      legend={phases.map(({ name, colour: ink }, index) => {
        return { series: index + 1, name, colour: ink, shape: 'block', format: milliseconds };
      })}
      sync={sync}
      options={() => ({
        scales: {
          x: stepScale(logSteps.value),
          y: { range: (plot) => [0, rangeOf(valuesInSight(plot, [1]), robust)[1]] },
        },
        axes: [stepAxis(), valueAxis((value) => `${value} ms`, 60)],
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
