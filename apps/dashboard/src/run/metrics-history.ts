import type { RunMetrics } from '@elbo/protocol/cluster';
import type { EpochEvent, StepEvent } from '@elbo/protocol/events';
import { thinEvenly } from '../curves/thin.js';

export type StepPoint = { readonly [Column in keyof RunMetrics['steps']]: RunMetrics['steps'][Column][number] };

/** Above it the points are thinned to half of it, evenly over the run. */
export const maximumPoints = 4000;
/** So many of the last epochs keep the KL of each dimension, of which there may be thousands. */
export const epochsWithKl = 100;

/**
 * The steps and epochs of a run as far as they are known, each once and in order, whatever they come from: the metrics
 * fetched, the events that arrive, either of them again after a lost connection.
 */
export class MetricsHistory {
  #steps: StepPoint[] = [];
  #epochs: EpochEvent[] = [];

  /** By rising step. */
  get steps(): readonly StepPoint[] {
    return this.#steps;
  }

  /** By rising epoch. */
  get epochs(): readonly EpochEvent[] {
    return this.#epochs;
  }

  merge({ steps, epochs }: RunMetrics): void {
    const columns = Object.entries(steps) as [keyof StepPoint, (number | null)[]][];
    const points = steps.step.map(
      (_, row) =>
        Object.fromEntries(columns.map(([name, values]) => [name, values[row] ?? null])) as unknown as StepPoint,
    );
    this.#steps = bounded(
      union(this.#steps, points, (point) => point.step),
      (point) => point.step,
    );
    this.#keepEpochs(union(this.#epochs, epochs, (epoch) => epoch.epoch));
  }

  addStep(event: StepEvent): void {
    const { phases, gradientNorm = null } = event;
    const { step, elbo, reconstructionLogProb, klDivergence, learningRate, beta, imagesPerSecond } = event;
    const terms = {
      step,
      elbo,
      reconstructionLogProb,
      klDivergence,
      gradientNorm,
      learningRate,
      beta,
      imagesPerSecond,
    };
    const { computeMs = null, transportMs = null, reduceMs = null, waitMs = null } = phases ?? {};
    place(this.#steps, { ...terms, computeMs, transportMs, reduceMs, waitMs }, (point) => point.step);
    this.#steps = bounded(this.#steps, (point) => point.step);
  }

  addEpoch(event: EpochEvent): void {
    place(this.#epochs, event, (epoch) => epoch.epoch);
    this.#keepEpochs(this.#epochs);
  }

  #keepEpochs(epochs: EpochEvent[]): void {
    const kept = bounded(epochs, (epoch) => epoch.epoch);
    this.#epochs = kept.map((epoch, index) =>
      index < kept.length - epochsWithKl && epoch.klPerDimension.length > 0 ? { ...epoch, klPerDimension: [] } : epoch,
    );
  }
}

/** Puts one where it belongs; it replaces the one of the same key. */
function place<T>(items: T[], item: T, key: (item: T) => number): void {
  const index = items.findLastIndex((other) => key(other) <= key(item));
  const found = items[index];
  if (found !== undefined && key(found) === key(item)) items[index] = item;
  else items.splice(index + 1, 0, item);
}

function union<T>(known: readonly T[], more: readonly T[], key: (item: T) => number): T[] {
  const byKey = new Map([...known, ...more].map((item) => [key(item), item]));
  return [...byKey.values()].sort((a, b) => key(a) - key(b));
}

function bounded<T>(items: T[], key: (item: T) => number): T[] {
  if (items.length <= maximumPoints) return items;
  return thinEvenly(items.map(key), maximumPoints / 2).map((index) => items[index] as T);
}
