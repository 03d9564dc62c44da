import { ForeignTensorError, TensorMismatchError } from './errors.js';
import type { TensorArena } from './tensor-arena.js';
import { instantiateKernels, type WasmKernels } from './wasm-kernels.js';

/** A half-open range of elements of a tensor. */
export interface ElementRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Sums of squares are taken over blocks of this many elements, then over the blocks in order. A sum that is split over
 * threads is split at multiples of it, and so has the same bits.
 */
export const blockLength = 2048;
/** Tensors that one call can sum. */
export const maxSources = 1024;
const squaresLength = 512;

export interface SgdScalars {
  /** The gradient is the sum given times this. */
  readonly scale: number;
  readonly learningRate: number;
}
export interface MomentumScalars extends SgdScalars {
  readonly momentum: number;
  readonly nesterov: boolean;
}
export interface AdamScalars {
  readonly scale: number;
  /** What is kept of a parameter: 1 less the weight decay. */
  readonly keep: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly stepSize: number;
  readonly epsilon: number;
}

/**
 * Loops over tensors of an arena, in WebAssembly SIMD. Each is made of float32 (sums of squares: float64) additions,
 * multiplications, divisions and square roots in an order that its docstring states, so it gives the same bits on every
 * processor. One instance belongs to one thread; the tensors may be those of all.
 *
 * Every function throws ForeignTensorError for a tensor outside the arena and TensorMismatchError for lengths that do
 * not fit.
 */
export class Kernels {
  readonly #wasm: WasmKernels;
  readonly #table: Uint32Array;
  readonly #squares: Float64Array;

  private constructor(readonly arena: TensorArena) {
    this.#wasm = instantiateKernels(arena.memory);
    const table = arena.allocateBytes(maxSources * 4);
    this.#table = new Uint32Array(table.buffer, table.byteOffset, maxSources);
    this.#squares = arena.allocateFloat64(squaresLength);
  }

  /** Takes 8 KiB of the arena for its own. @throws KernelsMissingError before the package is built. */
  static create(arena: TensorArena): Kernels {
    return new Kernels(arena);
  }

  /** target = target + source */
  addInto(target: Float32Array, source: Float32Array): void {
    this.sumInto(target, [target, source]);
  }

  /** target = ((s0 + s1) + s2) + ...: the bits of adding one after the other. `target` may be the first source. */
  sumInto(target: Float32Array, sources: readonly Float32Array[]): void {
    const table = this.#tableOf(target, sources);
    if (sources.length === 1) target.set(sources[0] as Float32Array);
    else this.#wasm.sum(target.byteOffset, table, sources.length, 0, target.length);
  }

  /**
   * Sums the sources as `sumInto` does, over a range that begins at a multiple of `blockLength`, and gives each block's
   * sum of squares: squares[block] = that of elements [block * blockLength, (block + 1) * blockLength), float64.
   * One source alone is only squared: `target` is then not written.
   */
  sumAndSquares(
    target: Float32Array,
    squares: Float64Array,
    sources: readonly Float32Array[],
    range: ElementRange,
  ): void {
    const table = this.#tableOf(target, sources);
    expectRange(range, target.length);
    if (range.begin % blockLength !== 0)
      throw new TensorMismatchError('range', `begins within a block: ${range.begin}`);
    if (squares.length * blockLength < range.end) throw new TensorMismatchError('squares', 'has too few elements');
    const squaresAt = this.#at('squares', squares);
    this.#wasm.sumAndSquares(target.byteOffset, squaresAt, table, sources.length, range.begin, range.end);
  }

  /**
   * The sum of squares, in float64. In a block, element i goes to lane i mod 8, in order, and the lanes are added as
   * ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7)); the blocks are added in order. It is finite exactly when every
   * element is.
   */
  sumOfSquares(x: Float32Array): number {
    const stride = squaresLength * blockLength;
    let total = 0;
    for (let begin = 0; begin < x.length; begin += stride) {
      const part = x.subarray(begin, begin + stride);
      this.sumAndSquares(part, this.#squares, [part], { begin: 0, end: part.length });
      total = addSquares(this.#squares, Math.ceil(part.length / blockLength), total);
    }
    return total;
  }

  /** The lowest index that holds a NaN or an infinity, or -1. */
  firstNonFinite(x: Float32Array): number {
    return this.#wasm.firstNonFinite(this.#at('x', x), x.length);
  }

  /** gradient = g * scale; parameter -= learningRate * gradient. */
  sgd(parameters: Float32Array, g: Float32Array, range: ElementRange, scalars: SgdScalars): void {
    const { scale, learningRate } = scalars;
    const [p, gradient] = this.#group(range, { parameters, g });
    this.#wasm.sgd(p as number, gradient as number, range.begin, range.end, scale, learningRate);
  }

  /**
   * gradient = g * scale; velocity = momentum * velocity + gradient; parameter -= learningRate * velocity, or with
   * Nesterov's look-ahead parameter -= learningRate * (gradient + momentum * velocity). A velocity below
   * 2^-100 becomes 0.
   */
  momentum(
    parameters: Float32Array,
    velocity: Float32Array,
    g: Float32Array,
    range: ElementRange,
    scalars: MomentumScalars,
  ): void {
    const [p, v, gradient] = this.#group(range, { parameters, velocity, g }) as [number, number, number];
    const { scale, learningRate, momentum, nesterov } = scalars;
    this.#wasm.momentum(p, v, gradient, range.begin, range.end, scale, learningRate, momentum, nesterov ? 1 : 0);
  }

  /**
   * gradient = g * scale; firstMoment += (1 - beta1) * (gradient - firstMoment);
   * secondMoment = beta2 * secondMoment + (1 - beta2) * gradient^2;
   * parameter = keep * parameter - stepSize * firstMoment / (sqrt(secondMoment) + epsilon).
   * A first moment below 2^-100 and a second below 2^-120 become 0.
   */
  adam(
    parameters: Float32Array,
    firstMoment: Float32Array,
    secondMoment: Float32Array,
    g: Float32Array,
    range: ElementRange,
    scalars: AdamScalars,
  ): void {
    const tensors = { parameters, firstMoment, secondMoment, g };
    const [p, m, v, gradient] = this.#group(range, tensors) as [number, number, number, number];
    const { scale, keep, beta1, beta2, stepSize, epsilon } = scalars;
    const { begin, end } = range;
    this.#wasm.adam(p, m, v, gradient, begin, end, scale, keep, 1 - beta1, beta2, 1 - beta2, stepSize, epsilon);
  }

  #at(argument: string, view: ArrayBufferView): number {
    if (!this.arena.owns(view)) throw new ForeignTensorError(argument);
    return view.byteOffset;
  }

  /** The addresses of tensors of one length. */
  #group(range: ElementRange, tensors: Readonly<Record<string, Float32Array>>): number[] {
    const length = tensors.parameters?.length ?? 0;
    expectRange(range, length);
    return Object.entries(tensors).map(([name, tensor]) => {
      expectLength(name, tensor, length);
      return this.#at(name, tensor);
    });
  }

  /** Writes the addresses of the sources where the kernels read them. */
  #tableOf(target: Float32Array, sources: readonly Float32Array[]): number {
    const { length, byteLength } = target;
    const at = this.#at('target', target);
    if (sources.length < 1 || sources.length > maxSources) {
      throw new TensorMismatchError('sources', `has ${sources.length} tensors, not 1 to ${maxSources}`);
    }
    for (const [i, source] of sources.entries()) {
      expectLength(`sources[${i}]`, source, length);
      const address = this.#at(`sources[${i}]`, source);
      const apart = Math.abs(address - at) >= byteLength;
      if (!apart && !(i === 0 && address === at)) {
        throw new TensorMismatchError(`sources[${i}]`, 'overlaps the target: only the first source may be the target');
      }
      this.#table[i] = address;
    }
    return this.#table.byteOffset;
  }
}

/** Adds the first `blocks` sums of squares to a total, in order. */
export function addSquares(squares: Float64Array, blocks: number, total: number): number {
  for (let i = 0; i < blocks; i++) total += squares[i] as number;
  return total;
}

/** @throws TensorMismatchError */
export function expectLength(argument: string, tensor: Float32Array, length: number): void {
  if (tensor.length !== length) {
    throw new TensorMismatchError(argument, `has ${tensor.length} elements where ${length} are needed`);
  }
}

function expectRange({ begin, end }: ElementRange, length: number): void {
  if (!(begin >= 0 && begin <= end && end <= length)) {
    throw new TensorMismatchError('range', `[${begin}, ${end}) is not within the tensor's ${length} elements`);
  }
}
