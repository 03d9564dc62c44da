import type { OptimizerSpec } from '@elbo/protocol/run-spec';
import { type ElementRange, expectLength, type Kernels, maxSources } from '../kernels/kernels.js';
import type { TensorArena, TensorRef } from '../kernels/tensor-arena.js';
import { optimizerStateCount } from './optimizer-state.js';
import { mostParts, PartCounter } from './part-counter.js';
import { applyUpdate, blocksOf, type GradientTensors, splitAtBlocks, sumContributions } from './split-update.js';
import { updateScalars } from './update-scalars.js';

/** A part has at least so many blocks: some hundredths of a millisecond. */
const leastBlocks = 8;

/** Where the tensors of an optimiser lie, and the board on which its updates are announced. Can be posted to a thread. */
export interface SharedUpdateRefs {
  readonly spec: OptimizerSpec;
  /** Elements of the parameters. */
  readonly length: number;
  readonly state: readonly TensorRef[];
  readonly sum: TensorRef;
  readonly squares: TensorRef;
  readonly board: TensorRef;
}

/** Layout of the board: in its first cache line 32-bit words and float64 numbers, then the addresses of the contributions. */
const words = { section: PartCounter.words, contributions: 3, parameters: 4, count: 6 };
const numbers = { scale: 0, learningRate: 1, step: 2, count: 3 };
const numbersAt = words.count * 4;
const addressesAt = 64;
const boardBytes = addressesAt + maxSources * 4;

const sections = { sum: 0, apply: 1 };

/** Allocates what an optimiser of `length` parameters keeps, its state zero. */
export function allocateUpdate(spec: OptimizerSpec, length: number, arena: TensorArena): SharedUpdateRefs {
  const state = Array.from({ length: optimizerStateCount(spec) }, () => arena.refOf(arena.allocate(length)));
  const sum = arena.refOf(arena.allocate(length));
  const squares = arena.refOf(arena.allocateFloat64(blocksOf(length)));
  const { byteOffset, length: bytes, buffer } = arena.allocateBytes(boardBytes);
  new PartCounter(new Int32Array(buffer, byteOffset, PartCounter.words), partsOf(length)).initialize();
  return { spec, length, state, sum, squares, board: { byteOffset, length: bytes } };
}

/**
 * An optimiser's update as one thread sees it. The thread that owns the optimiser announces a section of the update on
 * a board in shared memory and does it part by part; any other thread of the process takes parts of it as it has time.
 * Who does a part does not show in its bits.
 */
export class SharedUpdate {
  readonly #counter: PartCounter;
  readonly #ranges: readonly ElementRange[];
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  readonly #addresses: Uint32Array;
  readonly #views = new Map<number, Float32Array>();
  readonly #sum: Float32Array;
  readonly #squares: Float64Array;
  readonly state: readonly Float32Array[];

  constructor(
    private readonly kernels: Kernels,
    private readonly refs: SharedUpdateRefs,
  ) {
    const { arena } = kernels;
    const { buffer } = arena.memory;
    const { length, board } = refs;
    this.#ranges = splitAtBlocks(length, partsOf(length));
    this.#counter = new PartCounter(new Int32Array(buffer, board.byteOffset, PartCounter.words), this.#ranges.length);
    this.#words = new Uint32Array(buffer, board.byteOffset, words.count);
    this.#numbers = new Float64Array(buffer, board.byteOffset + numbersAt, numbers.count);
    this.#addresses = new Uint32Array(buffer, board.byteOffset + addressesAt, maxSources);
    this.#sum = arena.view(refs.sum);
    this.#squares = arena.viewFloat64(refs.squares);
    this.state = refs.state.map((ref) => arena.view(ref));
  }

  /** The owner's: sums the contributions and the squares of that sum. */
  sum(contributions: readonly Float32Array[]): GradientTensors {
    contributions.forEach((contribution, i) => {
      this.#addresses[i] = this.#addressOf(`contributions[${i}]`, contribution);
    });
    this.#words[words.contributions] = contributions.length;
    this.#doAll(sections.sum);
    return { contributions, sum: this.#sum, squares: this.#squares };
  }

  /** The owner's: updates parameters and state with the sum. */
  apply(parameters: Float32Array, scale: number, learningRate: number, step: number): void {
    this.#words[words.parameters] = this.#addressOf('parameters', parameters);
    this.#numbers[numbers.scale] = scale;
    this.#numbers[numbers.learningRate] = learningRate;
    this.#numbers[numbers.step] = step;
    this.#doAll(sections.apply);
  }

  /** Another thread's: does parts of the section at hand as long as there are any. */
  help(): void {
    for (let part = this.#counter.take(); part !== null; part = this.#counter.take()) this.#do(part);
  }

  #doAll(section: number): void {
    this.#words[words.section] = section;
    this.#counter.open();
    this.help();
    this.#counter.waitForAll();
  }

  #do(part: number): void {
    const range = this.#ranges[part] as ElementRange;
    try {
      if (this.#words[words.section] === sections.sum) sumContributions(this.kernels, this.#gradient(), range);
      else this.#apply(range);
    } finally {
      this.#counter.done();
    }
  }

  #apply(range: ElementRange): void {
    const [scale, learningRate, step] = this.#numbers as unknown as [number, number, number];
    const scalars = updateScalars(this.refs.spec, scale, learningRate, step);
    const parameters = this.#view(this.#words[words.parameters] as number);
    applyUpdate(this.kernels, scalars, { parameters, state: this.state }, this.#gradient(), range);
  }

  #gradient(): GradientTensors {
    const contributions: Float32Array[] = [];
    const count = this.#words[words.contributions] as number;
    for (let i = 0; i < count; i++) contributions.push(this.#view(this.#addresses[i] as number));
    return { contributions, sum: this.#sum, squares: this.#squares };
  }

  /** What is announced is the address alone: a tensor of another length would be read beyond its end. */
  #addressOf(argument: string, tensor: Float32Array): number {
    expectLength(argument, tensor, this.refs.length);
    return this.kernels.arena.refOf(tensor).byteOffset;
  }

  #view(byteOffset: number): Float32Array {
    let view = this.#views.get(byteOffset);
    if (!view) {
      view = this.kernels.arena.view({ byteOffset, length: this.refs.length });
      this.#views.set(byteOffset, view);
    }
    return view;
  }
}

function partsOf(length: number): number {
  return Math.min(Math.ceil(blocksOf(length) / leastBlocks), mostParts);
}
