import type { OptimizerSpec } from '@elbo/protocol/run-spec';
import { optimizerStateCount } from '../optimizers/optimizer-state.js';

/** How many buffers, each as long as the parameters, the processes of a run keep. All are allocated once. */

/** Contributions that may be on their way beyond one for each shard: shards computed twice. */
export const spareContributionBuffers = 2;

/** Of a coordinator: parameters, optimiser state, the summed gradient, contributions. */
export function coordinatorBuffers(shardsPerStep: number, optimizer: OptimizerSpec): number {
  const parameters = 1;
  const summedGradient = 1;
  return parameters + optimizerStateCount(optimizer) + summedGradient + shardsPerStep + spareContributionBuffers;
}

/**
 * Of a worker: three parameter versions; a contribution for each slot, for a shard that the conductor handed over, and
 * one on its way; and microbatch gradients for each of these shards.
 */
export function workerBuffers(threads: number): number {
  const slots = threads;
  return 3 + (slots + 2) + (3 * threads + 2);
}

/** Of a checkpoint: parameters and optimiser state. */
export function snapshotBuffers(optimizer: OptimizerSpec): number {
  return 1 + optimizerStateCount(optimizer);
}
