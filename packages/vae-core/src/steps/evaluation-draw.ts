import type { SplitName } from '@elbo/protocol/messages';

const splits: readonly SplitName[] = ['train', 'validation', 'test'];

/** What keys the noise of an evaluation in the stream `evaluation-epsilon`: one number for each epoch and split. */
export function evaluationDraw(epoch: number, split: SplitName): number {
  return epoch * splits.length + splits.indexOf(split);
}
