import type { EpochEvent, StepEvent } from '@elbo/protocol/events';
import type { StepPoint } from '../src/run/metrics-history.js';

/** Events of an imagined run: the ELBO of a step is its number, negative. */
export function stepEvent(step: number): StepEvent {
  const terms = { elbo: -step, reconstructionLogProb: 1 - step, klDivergence: 1 };
  const rest = { beta: 1, learningRate: 1e-3, examples: 128, imagesPerSecond: 1000 };
  return { event: 'step', runId: 'run-1', time: step, epoch: 1, step, ...terms, ...rest };
}

export function epochEvent(epoch: number, step: number): EpochEvent {
  const terms = { elbo: -100 - epoch, reconstructionLogProb: -90, klDivergence: 10 + epoch };
  const measured = {
    train: terms,
    test: { ...terms, elbo: -110 - epoch },
    validation: null,
    klPerDimension: [1, 0.001],
  };
  return { event: 'epoch', runId: 'run-1', time: step, epoch, step, ...measured, imagesPerSecond: 1000, seconds: 2 };
}

export function stepMetrics(steps: readonly number[]): StepPoint[] {
  const none = { gradientNorm: null, computeMs: null, transportMs: null, reduceMs: null, waitMs: null };
  return steps.map((step) => {
    const { elbo, reconstructionLogProb, klDivergence, beta, learningRate, imagesPerSecond } = stepEvent(step);
    return { step, elbo, reconstructionLogProb, klDivergence, beta, learningRate, imagesPerSecond, ...none };
  });
}
