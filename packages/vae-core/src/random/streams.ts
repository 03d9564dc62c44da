import { normalsFromWords, uniformsFromWords } from './distributions.js';
import { fillPhiloxBlocks, PHILOX_BLOCK_WORDS } from './philox.js';

/** Every use of randomness has a stream of its own, so that a new use never shifts the numbers of another. */
export const randomStreamNames = [
  /** Initial parameters. */
  'parameters',
  /** The noise of the reparameterisation in training. */
  'epsilon',
  /** The same in evaluation. */
  'evaluation-epsilon',
  /** The order of the examples in an epoch. */
  'shuffle',
  /** Bernoulli draws of pixels. */
  'binarization',
  /** Draws from the prior and the likelihood, to look at. */
  'sampling',
] as const;
export type RandomStreamName = (typeof randomStreamNames)[number];

/** Words made at a time: small enough to stay in the first-level cache. */
const SCRATCH_WORDS = 1024;

/**
 * All random numbers of a run: every number is a function of (run seed, stream name, step or epoch, example index,
 * sample index, position), by Philox with key = (seed, hash of the name) and counter = (block, sample, example, step).
 * Who draws, in what order and in pieces of what size changes nothing; a shorter draw is the beginning of a longer one.
 * Promised: the same bits on every machine and version of Node (integer and correctly rounded arithmetic only).
 * Every index is an integer in [0, 2^32). The fill methods write `count` numbers to `out` from `offset` on.
 * All throw RangeError for another index, and for numbers that do not fit `out`.
 */
export class RandomStreams {
  readonly #seed: number;
  readonly #words = new Uint32Array(SCRATCH_WORDS);

  /** @throws RangeError unless the seed is an integer in [0, 2^32). */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
      throw new RangeError(`the seed is an integer from 0 to 4294967295, not ${seed}`);
    }
    this.#seed = seed;
  }

  /** Standard normals N(0, 1). */
  fillNormal(
    stream: RandomStreamName,
    stepOrEpoch: number,
    example: number,
    sample: number,
    out: Float32Array,
    offset: number,
    count: number,
  ): void {
    checkRange(out, offset, count);
    for (let done = 0; done < count; done += SCRATCH_WORDS) {
      const piece = Math.min(SCRATCH_WORDS, count - done);
      this.#fillWords(stream, done, sample, example, stepOrEpoch, piece);
      normalsFromWords(this.#words, out, offset + done, piece);
    }
  }

  /** Uniforms in [0, 1), multiples of 2^-24. */
  fillUniform(
    stream: RandomStreamName,
    stepOrEpoch: number,
    example: number,
    sample: number,
    out: Float32Array,
    offset: number,
    count: number,
  ): void {
    checkRange(out, offset, count);
    for (let done = 0; done < count; done += SCRATCH_WORDS) {
      const piece = Math.min(SCRATCH_WORDS, count - done);
      this.#fillWords(stream, done, sample, example, stepOrEpoch, piece);
      uniformsFromWords(this.#words, out, offset + done, piece);
    }
  }

  /**
   * A uniformly random order of 0, ..., n - 1: the shuffle of Fisher and Yates (Knuth, TAOCP 2, algorithm 3.4.2P),
   * each index drawn without bias by rejection.
   */
  permutation(stream: RandomStreamName, epoch: number, n: number): Uint32Array {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    const words = this.#words;
    let drawn = 0;
    for (let i = n - 1; i > 0; i--) {
      const choices = i + 1;
      const fair = 2 ** 32 - (2 ** 32 % choices);
      let word: number;
      do {
        const at = drawn % SCRATCH_WORDS;
        if (at === 0) this.#fillWords(stream, drawn, 0, 0, epoch, SCRATCH_WORDS);
        word = words[at] as number;
        drawn += 1;
      } while (word >= fair);
      const j = word % choices;
      const kept = order[i] as number;
      order[i] = order[j] as number;
      order[j] = kept;
    }
    return order;
  }

  /** Words `first`, ..., of a stream to the scratch buffer; `first` is a multiple of the block's four words. */
  #fillWords(
    stream: RandomStreamName,
    first: number,
    sample: number,
    example: number,
    stepOrEpoch: number,
    count: number,
  ): void {
    checkIndex('step or epoch', stepOrEpoch);
    checkIndex('example', example);
    checkIndex('sample', sample);
    const block = first / PHILOX_BLOCK_WORDS;
    const blocks = Math.ceil(count / PHILOX_BLOCK_WORDS);
    fillPhiloxBlocks(this.#seed, STREAM_KEYS[stream], block, sample, example, stepOrEpoch, this.#words, 0, blocks);
  }
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo): no two of the names above collide, and a test says so. */
export function hashStreamName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const STREAM_KEYS = Object.fromEntries(randomStreamNames.map((name) => [name, hashStreamName(name)])) as Readonly<
  Record<RandomStreamName, number>
>;

/** A counter takes 32 bits of each index: NaN or 2^32 would quietly repeat the numbers of index 0. */
function checkIndex(what: string, index: number): void {
  if (index >>> 0 !== index) throw new RangeError(`the ${what} index is an integer from 0 to 4294967295, not ${index}`);
}

function checkRange(out: Float32Array, offset: number, count: number): void {
  if (
    !(Number.isInteger(offset) && Number.isInteger(count) && offset >= 0 && count >= 0) ||
    offset + count > out.length
  ) {
    throw new RangeError(`${count} numbers from index ${offset} on do not fit an array of ${out.length}`);
  }
}
