/** What the kernels must compute, in plain loops with float32 rounding after each operation. */

const { fround } = Math;

/** Floats of many magnitudes and both signs, the same for the same seed. */
export function randomFloats(length: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length }, () => (next() - 0.5) * 10 ** (6 * next() - 3));
}

export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  return (x as Buffer).equals(y as Buffer);
}

export function sumReference(sources: readonly Float32Array[]): Float32Array {
  const total = Float32Array.from(sources[0] as Float32Array);
  for (const source of sources.slice(1)) {
    for (let i = 0; i < total.length; i++) total[i] = fround((total[i] as number) + (source[i] as number));
  }
  return total;
}

export function sumOfSquaresReference(x: Float32Array): number {
  let total = 0;
  for (let begin = 0; begin < x.length; begin += 2048) {
    const lanes = [0, 0, 0, 0, 0, 0, 0, 0];
    for (const [i, value] of x.subarray(begin, begin + 2048).entries()) {
      lanes[i % 8] = (lanes[i % 8] as number) + value * value;
    }
    const lane = (i: number) => lanes[i] as number;
    total += lane(0) + lane(4) + (lane(2) + lane(6)) + (lane(1) + lane(5) + (lane(3) + lane(7)));
  }
  return total;
}
