import type { OptimizerSpec } from '@elbo/protocol/run-spec';
import type { Kernels } from '../kernels/kernels.js';
import type { TensorArena } from '../kernels/tensor-arena.js';
import { allocateUpdate, SharedUpdate, type SharedUpdateRefs } from './shared-update.js';
import { gradientNorm, gradientScale } from './split-update.js';

export interface UpdateInputs {
  /** All parameters, flat; updated in place. */
  readonly parameters: Float32Array;
  /** Gradients of the loss, summed over examples, one for each shard, in shard order. They are not changed. */
  readonly contributions: readonly Float32Array[];
  /** Examples in all contributions together. */
  readonly sampleCount: number;
  readonly learningRate: number;
  /** Updates done before this one. */
  readonly step: number;
  /** Largest global norm of the averaged gradient; null for no clipping. */
  readonly clipGlobalNorm: number | null;
}

export interface Optimizer {
  /** What a snapshot must hold besides the parameters: none (sgd), velocity (momentum), first and second moment (Adam). */
  readonly state: readonly Float32Array[];
  /** With this, another thread makes a SharedUpdate of its own and helps with updates. */
  readonly shared: SharedUpdateRefs;
  /**
   * Averages the contributions and updates the parameters and the state.
   * @returns the global norm of the averaged gradient before clipping
   * @throws NonFiniteGradientError, TensorMismatchError, ForeignTensorError before anything is changed
   */
  update(inputs: UpdateInputs): { readonly gradientNorm: number };
}

/** An optimiser of `length` parameters, its state zero. All tensors given to it lie in the arena of `kernels`. */
export function createOptimizer(spec: OptimizerSpec, length: number, arena: TensorArena, kernels: Kernels): Optimizer {
  const shared = allocateUpdate(spec, length, arena);
  const threads = new SharedUpdate(kernels, shared);
  return {
    state: threads.state,
    shared,
    update({ parameters, contributions, sampleCount, learningRate, step, clipGlobalNorm }) {
      const gradient = threads.sum(contributions);
      const norm = gradientNorm(kernels, gradient, sampleCount, step);
      threads.apply(parameters, gradientScale(norm, sampleCount, clipGlobalNorm), learningRate, step);
      return { gradientNorm: norm };
    },
  };
}
