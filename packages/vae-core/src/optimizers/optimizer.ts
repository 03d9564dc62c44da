import type { OptimizerSpec } from '@elbo/protocol/run-spec';
import { blockLength, type Kernels } from '../kernels/kernels.js';
import type { TensorArena } from '../kernels/tensor-arena.js';
import { applyUpdate, gradientNorm, gradientScale, sumContributions } from './split-update.js';
import { updateScalars } from './update-scalars.js';

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
  /** Elements of all state tensors together. */
  readonly stateLength: number;
  /**
   * Averages the contributions and updates the parameters and the state.
   * @returns the global norm of the averaged gradient before clipping
   * @throws NonFiniteGradientError before anything is changed
   */
  update(inputs: UpdateInputs): { readonly gradientNorm: number };
}

/** State tensors of an optimiser, each as long as the parameters. */
export function optimizerStateCount(spec: OptimizerSpec): number {
  return { sgd: 0, momentum: 1, adam: 2, adamw: 2 }[spec.kind];
}

/** Bytes that createOptimizer takes from the arena: the state, the summed gradient, its squares by blocks. */
export function optimizerBytes(spec: OptimizerSpec, length: number): number {
  return (optimizerStateCount(spec) + 1) * length * 4 + Math.ceil(length / blockLength) * 8;
}

/** An optimiser of `length` parameters, its state zero. All tensors given to it lie in the arena of `kernels`. */
export function createOptimizer(spec: OptimizerSpec, length: number, arena: TensorArena, kernels: Kernels): Optimizer {
  const state = Array.from({ length: optimizerStateCount(spec) }, () => arena.allocate(length));
  const sum = arena.allocate(length);
  const squares = arena.allocateFloat64(Math.ceil(length / blockLength));
  const all = { begin: 0, end: length };
  return {
    state,
    stateLength: state.length * length,
    update({ parameters, contributions, sampleCount, learningRate, step, clipGlobalNorm }) {
      const gradient = { contributions, sum, squares };
      sumContributions(kernels, gradient, all);
      const norm = gradientNorm(kernels, gradient, sampleCount, step);
      const scalars = updateScalars(spec, gradientScale(norm, sampleCount, clipGlobalNorm), learningRate, step);
      applyUpdate(kernels, scalars, { parameters, state }, gradient, all);
      return { gradientNorm: norm };
    },
  };
}
