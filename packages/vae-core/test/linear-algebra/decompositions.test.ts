import {
  choleskyFactor,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve,
  NotPositiveDefiniteError,
} from '@elbo/vae-core/linear-algebra/cholesky';
import { symmetricEigen } from '@elbo/vae-core/linear-algebra/symmetric-eigen';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { describe, expect, it } from 'vitest';

/** A A^T of a random A: symmetric, positive definite. */
function randomCovariance(n: number, seed: number): Float64Array {
  const a = new Float32Array(n * n);
  new RandomStreams(seed).fillNormal('sampling', 0, 0, 0, a, 0, n * n);
  return product(Float64Array.from(a), transposed(Float64Array.from(a), n), n);
}
const transposed = (a: Float64Array, n: number) => a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]!);
function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return a.map((_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k]! * b[k * n + (at % n)]!;
    return sum;
  });
}
const identity = (n: number) => Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
const largestDifference = (a: Float64Array, b: Float64Array) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each([1, 2, 5, 20])('a random covariance of %i dimensions', (n) => {
  const matrix = randomCovariance(n, n);
  const { values, vectors } = symmetricEigen(matrix, n);
  const factor = choleskyFactor(matrix, n);

  it('is put together again from its eigenvalues and eigenvectors, which are orthonormal', () => {
    const scaled = vectors.map((value, at) => value * values[Math.floor(at / n)]!);
    expect(largestDifference(product(transposed(vectors, n), scaled, n), matrix)).toBeLessThan(1e-11);
    expect(largestDifference(product(vectors, transposed(vectors, n), n), identity(n))).toBeLessThan(1e-12);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  it('is put together again from its Cholesky factor, which solves and inverts', () => {
    expect(largestDifference(product(factor, transposed(factor, n), n), matrix)).toBeLessThan(1e-12);
    const product1 = product(matrix, choleskyInverse(factor, n), n);
    expect(largestDifference(product1, identity(n))).toBeLessThan(1e-6);
    const x = Float64Array.from({ length: n }, (_, i) => i - 1.5);
    const right = Float64Array.from({ length: n }, (_, i) =>
      x.reduce((sum, xj, j) => sum + matrix[i * n + j]! * xj, 0),
    );
    expect(largestDifference(choleskySolve(factor, right), x)).toBeLessThan(1e-6);
  });

  it('has the same log-determinant by both', () => {
    const byEigenvalues = values.reduce((sum, value) => sum + Math.log(value), 0);
    expect(choleskyLogDeterminant(factor, n)).toBeCloseTo(byEigenvalues, 7);
  });
});

it('eigenvalues that are equal, and a matrix that is diagonal already, are no trouble', () => {
  expect([...symmetricEigen(identity(3), 3).values]).toEqual([1, 1, 1]);
  expect([...symmetricEigen(Float64Array.of(1, 0, 0, 5), 2).values]).toEqual([5, 1]);
  expect([...symmetricEigen(new Float64Array(4), 2).values]).toEqual([0, 0]);
});

it('a matrix that is not positive definite is refused with the pivot that shows it', () => {
  expect(() => choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrow(NotPositiveDefiniteError);
  expect(() => choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrow(/pivot 1 is -3/);
});
