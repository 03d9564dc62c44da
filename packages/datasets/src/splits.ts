import type { SplitName } from '@elbo/protocol/messages';
import type { DatasetSpec } from '@elbo/protocol/run-spec';
import { InvalidSplitError } from './errors.js';
import type { StoredSplit } from './packed/header.js';

/** The examples of a split: `count` of them from `start` of a stored split. */
export interface SplitWindow {
  readonly stored: StoredSplit;
  readonly start: number;
  readonly count: number;
}
export type SplitWindows = Readonly<Record<SplitName, SplitWindow>>;

/** What a packed data set, or a summary of one, knows of its splits. */
export interface SplitCounts {
  readonly header: { readonly name: string };
  count(split: StoredSplit): number;
}

/**
 * Cuts the stored splits into train, validation and test. Validation examples are the last of the stored train split,
 * whatever `limit` says; `limit` then keeps the first examples of what is left. So neither moves the other's examples.
 * @throws InvalidSplitError when validation would leave nothing to train on.
 */
export function splitWindows(dataset: SplitCounts, spec: Pick<DatasetSpec, 'validation' | 'limit'>): SplitWindows {
  const stored = dataset.count('train');
  const rest = stored - spec.validation;
  if (rest < 1) {
    throw new InvalidSplitError(
      `${spec.validation} validation examples leave none to train on: data set ${dataset.header.name} has ${stored} ` +
        `training examples. Ask for at most ${stored - 1}.`,
    );
  }
  return {
    train: { stored: 'train', start: 0, count: Math.min(rest, spec.limit ?? rest) },
    validation: { stored: 'train', start: rest, count: spec.validation },
    test: { stored: 'test', start: 0, count: dataset.count('test') },
  };
}
