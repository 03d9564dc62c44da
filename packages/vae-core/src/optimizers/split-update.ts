import { addSquares, blockLength, type ElementRange, type Kernels } from '../kernels/kernels.js';
import { NonFiniteGradientError } from './errors.js';
import type { UpdateScalars } from './update-scalars.js';

/**
 * An update in three parts, the first and the last of which may run on several threads, each on its range of the
 * parameters: sumContributions on every range, then gradientNorm once, then applyUpdate on every range. However it
 * is split, it gives the same bits.
 */

export interface GradientTensors {
  /** Gradients summed over examples, one for each shard, in shard order. */
  readonly contributions: readonly Float32Array[];
  /** Where the sum of two or more contributions goes. */
  readonly sum: Float32Array;
  /** One for each block of `blockLength` elements. */
  readonly squares: Float64Array;
}

export interface UpdatedTensors {
  readonly parameters: Float32Array;
  readonly state: readonly Float32Array[];
}

/** Blocks of `blockLength` elements, the last one begun. */
export function blocksOf(length: number): number {
  return Math.ceil(length / blockLength);
}

/** At most `parts` ranges that cover `length` elements, cut at multiples of the block length. */
export function splitAtBlocks(length: number, parts: number): ElementRange[] {
  const blocks = blocksOf(length);
  const cut = (part: number) => Math.min(Math.floor((blocks * part) / parts) * blockLength, length);
  return Array.from({ length: parts }, (_, part) => ({ begin: cut(part), end: cut(part + 1) })).filter(
    ({ begin, end }) => end > begin,
  );
}

/** Sums the contributions over a range that splitAtBlocks gave, and their squares. */
export function sumContributions(kernels: Kernels, tensors: GradientTensors, range: ElementRange): void {
  kernels.sumAndSquares(tensors.sum, tensors.squares, tensors.contributions, range);
}

/**
 * The global norm of the averaged gradient, from the squares of all ranges.
 * @throws NonFiniteGradientError
 */
export function gradientNorm(
  kernels: Kernels,
  { contributions, sum, squares }: GradientTensors,
  sampleCount: number,
  step: number,
): number {
  const norm = Math.sqrt(addSquares(squares, blocksOf(sum.length), 0)) / sampleCount;
  if (Number.isFinite(norm)) return norm;
  const total = gradientSum({ contributions, sum, squares });
  const index = kernels.firstNonFinite(total);
  const culprit = contributions.findIndex((contribution) => !Number.isFinite(contribution[index]));
  const value = contributions[culprit]?.[index] ?? (total[index] as number);
  throw new NonFiniteGradientError(step, index, culprit < 0 ? null : culprit, value);
}

/** What the gradient is multiplied with: the average over examples, cut to `clipGlobalNorm` (Pascanu et al. 2013). */
export function gradientScale(norm: number, sampleCount: number, clipGlobalNorm: number | null): number {
  const clip = clipGlobalNorm !== null && norm > clipGlobalNorm ? clipGlobalNorm / norm : 1;
  return clip / sampleCount;
}

/** Updates a range of the parameters and of the state, in place. */
export function applyUpdate(
  kernels: Kernels,
  scalars: UpdateScalars,
  { parameters, state }: UpdatedTensors,
  gradient: GradientTensors,
  range: ElementRange,
): void {
  const g = gradientSum(gradient);
  const [first, second] = state as [Float32Array, Float32Array];
  switch (scalars.kind) {
    case 'sgd':
      kernels.sgd(parameters, g, range, scalars);
      break;
    case 'momentum':
      kernels.momentum(parameters, first, g, range, scalars);
      break;
    case 'adam':
      kernels.adam(parameters, first, second, g, range, scalars);
  }
}

function gradientSum({ contributions, sum }: GradientTensors): Float32Array {
  return contributions.length === 1 ? (contributions[0] as Float32Array) : sum;
}
