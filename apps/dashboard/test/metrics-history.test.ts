import type { RunMetrics } from '@elbo/protocol/cluster';
import { describe, expect, it } from 'vitest';
import { epochsWithKl, MetricsHistory, maximumPoints } from '../src/run/metrics-history.js';
import { epochEvent, stepEvent, stepMetrics } from './events.js';

function metrics(steps: readonly number[], epochs: readonly number[] = []): RunMetrics {
  const points = stepMetrics(steps);
  const column = (name: keyof (typeof points)[number]) => points.map((point) => point[name] as number);
  const names = Object.keys(points[0] ?? stepMetrics([1])[0] ?? {}) as (keyof (typeof points)[number])[];
  const columns = Object.fromEntries(names.map((name) => [name, column(name)])) as unknown as RunMetrics['steps'];
  return { steps: columns, epochs: epochs.map((epoch) => epochEvent(epoch, 10 * epoch)) };
}

const stepsOf = (history: MetricsHistory) => history.steps.map(({ step }) => step);

describe('the history of a run', () => {
  it('has each step and epoch once and in order, whichever of metrics and events came first', () => {
    const history = new MetricsHistory();
    for (const step of [8, 9, 10]) history.addStep(stepEvent(step));
    history.addEpoch(epochEvent(1, 10));
    history.merge(metrics([1, 5, 9], [1]));
    for (const step of [9, 10, 11]) history.addStep(stepEvent(step));
    history.addEpoch(epochEvent(2, 20));
    history.addEpoch(epochEvent(2, 20));
    expect(stepsOf(history)).toEqual([1, 5, 8, 9, 10, 11]);
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  it('takes steps of a run that went back to its last checkpoint', () => {
    const history = new MetricsHistory();
    for (const step of [1, 2, 5, 6, 3, 4, 5, 6, 7]) history.addStep(stepEvent(step));
    expect(stepsOf(history)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('has what happened during a lost connection after the metrics are fetched anew', () => {
    const history = new MetricsHistory();
    history.merge(metrics([1, 2, 3]));
    history.addStep(stepEvent(9));
    history.merge(metrics([2, 4, 6, 8], [1]));
    expect(stepsOf(history)).toEqual([1, 2, 3, 4, 6, 8, 9]);
    expect(history.epochs).toHaveLength(1);
  });

  it('never holds more than its maximum, and keeps the first and the last', () => {
    const history = new MetricsHistory();
    for (let step = 1; step <= 3 * maximumPoints; step++) {
      history.addStep(stepEvent(step));
      expect(history.steps.length).toBeLessThanOrEqual(maximumPoints);
    }
    expect(history.steps[0]?.step).toBe(1);
    expect(history.steps.at(-1)?.step).toBe(3 * maximumPoints);
    const gaps = stepsOf(history).map((step, index, all) => step - (all[index - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(20);
  });

  it('keeps the KL of each dimension of the last epochs alone', () => {
    const history = new MetricsHistory();
    for (let epoch = 1; epoch <= epochsWithKl + 50; epoch++) history.addEpoch(epochEvent(epoch, 10 * epoch));
    const withKl = history.epochs.filter(({ klPerDimension }) => klPerDimension.length > 0);
    expect(withKl.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochsWithKl }, (_, i) => 51 + i));
    expect(history.epochs).toHaveLength(epochsWithKl + 50);
  });

  it('keeps the time of a step, and null where it is not known', () => {
    const history = new MetricsHistory();
    history.addStep({ ...stepEvent(1), phases: { computeMs: 4, transportMs: 3, reduceMs: 2, waitMs: 1 } });
    history.addStep(stepEvent(2));
    expect(history.steps[0]).toMatchObject({ computeMs: 4, waitMs: 1, gradientNorm: null });
    expect(history.steps[1]).toMatchObject({ computeMs: null });
  });
});
