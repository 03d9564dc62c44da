import type { ElboTerms, EpochEvent } from '@elbo/protocol/events';
import uPlot from 'uplot';
import type { StepPoint } from '../run/metrics-history.js';
import { smooth } from './smooth.js';

export type Term = keyof ElboTerms;

export interface History {
  readonly steps: readonly StepPoint[];
  readonly epochs: readonly EpochEvent[];
}

export interface CurveChoice {
  readonly term: Term;
  readonly smoothing: number;
  /** Values of a logarithmic scale must be above zero. */
  readonly positiveOnly: boolean;
}

/** The series of one run: steps as they are and smoothed, then what each epoch's end measured. */
export const ownSeries = ['steps', 'smoothed', 'train', 'test', 'validation'] as const;

/** One table by rising step, as uPlot wants it: own series first, then those of each other run. */
export function curveData(own: History, others: readonly History[], choice: CurveChoice): uPlot.AlignedData {
  const tables = [...ownTables(own, choice), ...others.flatMap((other) => comparedTables(other, choice))];
  return uPlot.join(tables.map((table) => table as uPlot.AlignedData));
}

type Column = (number | null)[];

function ownTables({ steps, epochs }: History, choice: CurveChoice): Column[][] {
  const positions = steps.map(({ step }) => step);
  const raw = stepColumn(steps, choice);
  const measured = (split: 'train' | 'test' | 'validation') =>
    epochs.map((epoch) => drawable(epoch[split]?.[choice.term] ?? null, choice));
  return [
    [positions, raw, smooth(raw, positions, choice.smoothing)],
    [epochs.map(({ step }) => step), measured('train'), measured('test'), measured('validation')],
  ];
}

/** Of a run beside it: steps smoothed, and the test split (the train split without one). */
function comparedTables({ steps, epochs }: History, choice: CurveChoice): Column[][] {
  const positions = steps.map(({ step }) => step);
  return [
    [positions, smooth(stepColumn(steps, choice), positions, choice.smoothing)],
    [epochs.map(({ step }) => step), epochs.map(({ test, train }) => drawable((test ?? train)[choice.term], choice))],
  ];
}

function stepColumn(steps: readonly StepPoint[], choice: CurveChoice): Column {
  return steps.map((point) => drawable(point[choice.term], choice));
}

function drawable(value: number | null, { positiveOnly }: CurveChoice): number | null {
  return value !== null && positiveOnly && value <= 0 ? null : value;
}
