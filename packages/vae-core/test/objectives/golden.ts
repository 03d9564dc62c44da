import { readFileSync } from 'node:fs';
import type { ModelSpec } from '@elbo/protocol/run-spec';

/** The numbers that tests/golden/make_golden.py computed with SciPy and PyTorch in float64. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../tests/golden/${name}`, import.meta.url), 'utf8')) as T;
}

export interface LogProbabilities {
  bernoulli: { logits: number[][]; x: number[][]; expected: number[] };
  gaussian: {
    mean: number[][];
    x: number[][];
    fixed: { variance: number; expected: number[] }[];
    learned: { logVar: number[]; expected: number[] };
  };
  kl: { posteriorMean: number[][]; posteriorLogVar: number[][]; expected: number[][] };
}

export interface GradientCase {
  case: string;
  spec: ModelSpec;
  dataDim: number;
  batchSize: number;
  monteCarloSamples: number;
  beta: number;
  names: string[];
  parameters: number[];
  x: number[];
  epsilon: number[];
  reconstructionLogProb: number[];
  klDivergence: number[][];
  loss: number;
  gradient: number[];
}

/** The largest |actual - expected| / max(1, |expected|). NaN when any actual number is NaN or there are too few. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const error =
      Math.abs((actual[i] as number) - (expected[i] as number)) / Math.max(1, Math.abs(expected[i] as number));
    largest = Math.max(largest, error);
  }
  return largest;
}

/** The largest |actual - expected| as a fraction of the largest |expected|: for gradients, whose small elements are
 * differences of large ones. */
export function largestErrorOfScale(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i] as number));
  return largestError(
    Array.from(actual, (value) => value / scale),
    Array.from(expected, (value) => value / scale),
  );
}
