import type { OptimizerSpec } from '@elbo/protocol/run-spec';

/** State tensors of an optimiser, each as long as the parameters. */
export function optimizerStateCount(spec: OptimizerSpec): number {
  return { sgd: 0, momentum: 1, adam: 2, adamw: 2 }[spec.kind];
}
