import { ForeignTensorError, TensorMismatchError } from '@elbo/vae-core/kernels/errors';
import { blockLength, Kernels, maxSources } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { describe, expect, it } from 'vitest';
import { randomFloats, sameBits, sumOfSquaresReference, sumReference } from './reference.js';

const arena = new TensorArena(256 << 20);
const kernels = Kernels.create(arena);

function tensor(values: Float32Array): Float32Array {
  const allocated = arena.allocate(values.length);
  allocated.set(values);
  return allocated;
}

/** Below, at and above each size at which a loop changes its way. */
const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 100, 2047, 2048, 2049, 2055, 4096, 10_001];

describe('sums', () => {
  it('have the bits of adding one source after the other, for every length and number of sources', () => {
    for (const length of lengths) {
      for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 13]) {
        const sources = Array.from({ length: count }, (_, i) => tensor(randomFloats(length, 100 * count + i)));
        const target = arena.allocate(length);
        kernels.sumInto(target, sources);
        expect(sameBits(target, sumReference(sources)), `${count} sources of ${length}`).toBe(true);
      }
    }
  });

  it('depend on the order of the sources, and follow it', () => {
    const [big, small, negative] = [1e8, 1, -1e8].map((x) => tensor(new Float32Array([x]))) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const target = arena.allocate(1);
    kernels.sumInto(target, [big, small, negative]);
    expect(target[0]).toBe(0);
    kernels.sumInto(target, [big, negative, small]);
    expect(target[0]).toBe(1);
  });

  it('may go into the first source: addInto is target + source', () => {
    for (const length of lengths) {
      const [a, b] = [randomFloats(length, 1), randomFloats(length, 2)];
      const target = tensor(a);
      kernels.addInto(target, tensor(b));
      expect(sameBits(target, sumReference([a, b]))).toBe(true);
    }
  });

  it('write nothing behind the end of the target', () => {
    for (const length of [1, 2, 3, 5, 6, 7]) {
      const around = arena.allocate(16).fill(9);
      kernels.sumInto(
        around.subarray(4, 4 + length),
        [1, 2].map((x) => tensor(new Float32Array(length).fill(x))),
      );
      expect([...around].filter((x) => x === 3)).toHaveLength(length);
      expect([...around].filter((x) => x === 9)).toHaveLength(16 - length);
    }
  });

  it('take the most shards that a step can have', () => {
    const sources = Array.from({ length: maxSources }, (_, i) => tensor(randomFloats(5, i)));
    const target = arena.allocate(5);
    kernels.sumInto(target, sources);
    expect(sameBits(target, sumReference(sources))).toBe(true);
    expect(() => kernels.sumInto(target, [...sources, target])).toThrow(TensorMismatchError);
  });
});

describe('sums of squares', () => {
  it('are added in the documented order, to the bit', () => {
    for (const length of [...lengths, 3_000_001]) {
      const x = tensor(randomFloats(length, length));
      expect(kernels.sumOfSquares(x), `length ${length}`).toBe(sumOfSquaresReference(x));
    }
  });

  it('have the same bits when they are taken together with the sum, in one range or in many', () => {
    const length = 5 * blockLength + 77;
    const sources = [1, 2, 3].map((seed) => tensor(randomFloats(length, seed)));
    const [whole, parts] = [arena.allocate(length), arena.allocate(length)];
    const blocks = Math.ceil(length / blockLength);
    const [wholeSquares, partSquares] = [arena.allocateFloat64(blocks), arena.allocateFloat64(blocks)];
    kernels.sumAndSquares(whole, wholeSquares, sources, { begin: 0, end: length });
    for (const [begin, end] of [
      [4, 6],
      [0, 1],
      [1, 4],
    ] as const) {
      // biome-ignore format: ranges of blocks
      const range = { begin: begin * blockLength, end: Math.min(end * blockLength, length) };
      kernels.sumAndSquares(parts, partSquares, sources, range);
    }
    expect(sameBits(parts, sumReference(sources))).toBe(true);
    expect(sameBits(parts, whole)).toBe(true);
    expect([...partSquares]).toEqual([...wholeSquares]);
    expect(wholeSquares.reduce((sum, x) => sum + x, 0)).toBe(kernels.sumOfSquares(whole));
  });

  it('stay finite for the largest floats, and only NaN and infinities make them not finite', () => {
    const x = arena.allocate(3000).fill(3.4e38);
    expect(kernels.sumOfSquares(x)).toBeCloseTo(3000 * Math.fround(3.4e38) ** 2, -70);
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      for (const index of [0, 3, 2999]) {
        const old = x[index] as number;
        x[index] = value;
        expect(Number.isFinite(kernels.sumOfSquares(x))).toBe(false);
        x[index] = old;
      }
    }
  });
});

describe('the search for values that are not finite', () => {
  it('finds the first, at every place of a vector and of the tail', () => {
    const x = tensor(randomFloats(70, 5));
    expect(kernels.firstNonFinite(x)).toBe(-1);
    for (let index = 69; index >= 0; index--) {
      x[index] = [Number.NaN, Infinity, -Infinity][index % 3] as number;
      expect(kernels.firstNonFinite(x)).toBe(index);
    }
  });

  it('passes the largest, the smallest and the negative zero', () => {
    expect(kernels.firstNonFinite(tensor(new Float32Array([3.4028235e38, -3.4028235e38, 1e-45, -0, 0])))).toBe(-1);
  });
});

describe('arguments that do not fit', () => {
  const five = arena.allocate(5);

  it('are refused by name when they lie outside of the arena', () => {
    expect(() => kernels.addInto(new Float32Array(5), five)).toThrow(ForeignTensorError);
    expect(() => kernels.sumInto(five, [arena.allocate(5), new TensorArena(0).allocate(5)])).toThrow(/^sources\[1\]/);
  });

  it('are refused by name when lengths differ, sources overlap the target, or ranges go beyond it', () => {
    expect(() => kernels.addInto(five, arena.allocate(6))).toThrow(/^sources\[1\] has 6 elements where 5/);
    expect(() => kernels.sumInto(five, [])).toThrow(/^sources has 0 tensors/);
    const tooMany = new Array<Float32Array>(maxSources + 1).fill(arena.allocate(5));
    expect(() => kernels.sumInto(five, tooMany)).toThrow(/^sources has 1025 tensors/);
    expect(() => kernels.sumInto(five, [arena.allocate(5), five])).toThrow(/overlaps the target/);
    const six = arena.allocate(6);
    expect(() => kernels.sumInto(six.subarray(1), [six.subarray(0, 5)])).toThrow(/overlaps the target/);
    const squares = arena.allocateFloat64(1);
    expect(() => kernels.sumAndSquares(five, squares, [five], { begin: 0, end: 6 })).toThrow(/^range/);
    expect(() => kernels.sumAndSquares(five, squares, [five], { begin: 4, end: 5 })).toThrow(/within a block/);
  });
});
