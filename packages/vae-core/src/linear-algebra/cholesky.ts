/** Square matrices here are Float64Arrays of n * n elements, row by row. */

/** The matrix is not symmetric positive definite, so that it has no Cholesky factor. */
export class NotPositiveDefiniteError extends Error {
  readonly code = 'NOT_POSITIVE_DEFINITE';
  override readonly name = 'NotPositiveDefiniteError';

  constructor(
    readonly size: number,
    /** Index of the pivot that was not positive. */
    readonly row: number,
    readonly pivot: number,
  ) {
    super(
      `a ${size} x ${size} matrix is not positive definite: pivot ${row} is ${pivot}. ` +
        'A covariance needs more examples than dimensions, or a constant added to its diagonal',
    );
  }
}

/**
 * The lower triangular L with matrix = L L^T (Golub and Van Loan, Matrix Computations, 4.2.5).
 * @throws NotPositiveDefiniteError
 */
export function choleskyFactor(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j] as number;
      for (let k = 0; k < j; k++) rest -= (lower[i * n + k] as number) * (lower[j * n + k] as number);
      if (i !== j) lower[i * n + j] = rest / (lower[j * n + j] as number);
      else if (rest > 0) lower[i * n + i] = Math.sqrt(rest);
      else throw new NotPositiveDefiniteError(n, i, rest);
    }
  }
  return lower;
}

/** The y with L y = vector. */
export function solveLower(lower: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const y = Float64Array.from(vector);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) y[i] = (y[i] as number) - (lower[i * n + k] as number) * (y[k] as number);
    y[i] = (y[i] as number) / (lower[i * n + i] as number);
  }
  return y;
}

/** The y with L L^T y = vector. */
export function choleskySolve(lower: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const y = solveLower(lower, vector);
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) y[i] = (y[i] as number) - (lower[k * n + i] as number) * (y[k] as number);
    y[i] = (y[i] as number) / (lower[i * n + i] as number);
  }
  return y;
}

/** (L L^T)^-1, symmetric to the last bit. */
export function choleskyInverse(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const column = choleskySolve(
      lower,
      Float64Array.from({ length: n }, (_, i) => (i === j ? 1 : 0)),
    );
    for (let i = j; i < n; i++) {
      inverse[i * n + j] = column[i] as number;
      inverse[j * n + i] = column[i] as number;
    }
  }
  return inverse;
}

/** ln |L L^T|. */
export function choleskyLogDeterminant(lower: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(lower[i * n + i] as number);
  return 2 * sum;
}
