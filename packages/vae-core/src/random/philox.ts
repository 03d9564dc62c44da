/**
 * Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC 2011): ten rounds of a keyed bijection of 128-bit counters. Block n of a stream is computed from n
 * alone, so that any part of a stream can be drawn by anybody, in any order.
 */

/** A block and a counter are four 32-bit words, a key is two. */
export const PHILOX_BLOCK_WORDS = 4;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const SCALED_0 = MULTIPLIER_0 * 2 ** -32;
const SCALED_1 = MULTIPLIER_1 * 2 ** -32;
/** The golden ratio less 1 and the square root of 3 less 1, as fractions of 2^32: what each round adds to the key. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/**
 * The upper 32 bits of the 64-bit product word * multiplier, given its lower 32 bits `low` (from Math.imul) and
 * multiplier * 2^-32. The product over 2^32 is upper + low * 2^-32, so that subtracting the low part leaves the upper
 * word, exact but for the rounding of one float64 product below 2^32: an error under 2^-20, which + 0.5 and the
 * truncation absorb. Faster than four 16-bit products.
 */
function highWord(word: number, low: number, scaledMultiplier: number): number {
  return ((word >>> 0) * scaledMultiplier - (low >>> 0) * 2 ** -32 + 0.5) | 0;
}

/**
 * Writes the blocks with counters (counter0, counter1, counter2, counter3), (counter0 + 1, counter1, ...), ... to
 * `out`, four words each, from `offset` on. counter0 wraps at 2^32 without a carry: a stream has 2^34 words.
 * Allocates nothing.
 */
export function fillPhiloxBlocks(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  out: Uint32Array,
  offset: number,
  blocks: number,
): void {
  const end = offset + PHILOX_BLOCK_WORDS * blocks;
  // Two blocks at a time, a and b: a round waits for the multiplications of the one before, and the other block fills
  // the wait.
  for (let at = offset, block = counter0 | 0; at < end; at += 2 * PHILOX_BLOCK_WORDS, block = (block + 2) | 0) {
    let a0 = block;
    let a1 = counter1 | 0;
    let a2 = counter2 | 0;
    let a3 = counter3 | 0;
    let b0 = (block + 1) | 0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let k0 = key0 | 0;
    let k1 = key1 | 0;
    for (let round = 0; round < 10; round++) {
      const aLow0 = Math.imul(a0, MULTIPLIER_0);
      const aLow1 = Math.imul(a2, MULTIPLIER_1);
      const bLow0 = Math.imul(b0, MULTIPLIER_0);
      const bLow1 = Math.imul(b2, MULTIPLIER_1);
      const aHigh0 = highWord(a0, aLow0, SCALED_0);
      const aHigh1 = highWord(a2, aLow1, SCALED_1);
      const bHigh0 = highWord(b0, bLow0, SCALED_0);
      const bHigh1 = highWord(b2, bLow1, SCALED_1);
      a0 = aHigh1 ^ a1 ^ k0;
      a1 = aLow1;
      a2 = aHigh0 ^ a3 ^ k1;
      a3 = aLow0;
      b0 = bHigh1 ^ b1 ^ k0;
      b1 = bLow1;
      b2 = bHigh0 ^ b3 ^ k1;
      b3 = bLow0;
      k0 = (k0 + WEYL_0) | 0;
      k1 = (k1 + WEYL_1) | 0;
    }
    out[at] = a0;
    out[at + 1] = a1;
    out[at + 2] = a2;
    out[at + 3] = a3;
    if (at + PHILOX_BLOCK_WORDS < end) {
      out[at + 4] = b0;
      out[at + 5] = b1;
      out[at + 6] = b2;
      out[at + 7] = b3;
    }
  }
}
