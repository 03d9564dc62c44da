import { fillPhiloxBlocks } from '@elbo/vae-core/random/philox';
import { describe, expect, it } from 'vitest';

const hexadecimal = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0'));

/** The paper's generator by its definition, with whole 64-bit products. */
function philoxByDefinition(key: readonly number[], counter: readonly number[]): number[] {
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  const low = (value: bigint) => value & 0xffff_ffffn;
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * c0;
    const product1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(product1 >> 32n) ^ c1 ^ k0, low(product1), (product0 >> 32n) ^ c3 ^ k1, low(product0)];
    k0 = low(k0 + 0x9e3779b9n);
    k1 = low(k1 + 0xbb67ae85n);
  }
  return [c0, c1, c2, c3].map(Number);
}

describe('Philox 4x32-10', () => {
  // The known-answer vectors of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds).
  const ones = 0xffff_ffff;
  it.each([
    ['zeros', [0, 0], [0, 0, 0, 0], ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']],
    ['ones', [ones, ones], [ones, ones, ones, ones], ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd']],
    [
      'the digits of pi',
      [0xa4093822, 0x299f31d0],
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
    ],
  ])('gives the published answer for a key and a counter of %s', (_, [k0, k1], [c0, c1, c2, c3], expected) => {
    const words = new Uint32Array(4);
    fillPhiloxBlocks(k0!, k1!, c0!, c1!, c2!, c3!, words, 0, 1);
    expect(hexadecimal(words)).toEqual(expected);
  });

  it('agrees with 64-bit arithmetic on 5,000 blocks, so that no upper word of a product is off by one', () => {
    const words = new Uint32Array(4 * 5000);
    fillPhiloxBlocks(0xdeadbeef, 7, 3, 0xffffffff, 0x80000000, 12345, words, 0, 5000);
    for (let block = 0; block < 5000; block++) {
      const expected = philoxByDefinition([0xdeadbeef, 7], [3 + block, 0xffffffff, 0x80000000, 12345]);
      expect([...words.subarray(4 * block, 4 * block + 4)]).toEqual(expected);
    }
  });

  it.each([10210705, 20421410, 40842820, 81685640, 163371280, 653485117])(
    'does not round down the product of counter word %i, just above a power of two',
    (word) => {
      const words = new Uint32Array(4);
      // 2610995 is the word of that kind for the other multiplier.
      fillPhiloxBlocks(0, 0, word, 0, 2610995, 0, words, 0, 1);
      expect([...words]).toEqual(philoxByDefinition([0, 0], [word, 0, 2610995, 0]));
    },
  );

  it('gives each block the same words, however many are made together', () => {
    const together = new Uint32Array(4 * 9);
    fillPhiloxBlocks(1, 2, 100, 4, 5, 6, together, 0, 9);
    for (let block = 0; block < 9; block++) {
      const alone = new Uint32Array(4);
      fillPhiloxBlocks(1, 2, 100 + block, 4, 5, 6, alone, 0, 1);
      expect(alone).toEqual(together.slice(4 * block, 4 * block + 4));
    }
  });

  it('writes only the blocks asked for', () => {
    const words = new Uint32Array(24).fill(42);
    fillPhiloxBlocks(1, 2, 0, 0, 0, 0, words, 4, 3);
    expect([...words.subarray(0, 4), ...words.subarray(16)]).toEqual(new Array(12).fill(42));
  });
});
