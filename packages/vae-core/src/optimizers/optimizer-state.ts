import type { OptimizerSpec } from '@elbo/protocol/run-spec';

/** State tensors of an optimiser, each as long as the parameters, by the names that checkpoints call them by. */
export const optimizerStateNames: Readonly<Record<OptimizerSpec['kind'], readonly string[]>> = {
  sgd: [],
  momentum: ['momentum.velocity'],
  adam: ['adam.firstMoment', 'adam.secondMoment'],
  adamw: ['adamw.firstMoment', 'adamw.secondMoment'],
};

export function optimizerStateCount({ kind }: OptimizerSpec): number {
  return optimizerStateNames[kind].length;
}
