/** Eigenvalues from the largest to the smallest, each with its unit vector. */
export interface SymmetricEigen {
  /** [n] */
  readonly values: Float64Array;
  /** [n, n]: row i is the eigenvector of values[i]. */
  readonly vectors: Float64Array;
}

const MAX_SWEEPS = 64;

/**
 * The eigen-decomposition of a symmetric matrix ([n, n], row by row; its upper triangle is read) by the cyclic Jacobi
 * method (Golub and Van Loan, Matrix Computations, 8.5): rotations that zero one off-diagonal element at a time, until
 * none is left. Slow for n in the thousands, and as accurate as float64 allows.
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const a = Float64Array.from(matrix);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[i * n + j] = a[j * n + i] as number;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;

  const negligible = Number.EPSILON * frobeniusNorm(a);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let rotations = 0;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q] as number) * n <= negligible) continue;
        rotate(a, vectors, n, p, q);
        rotations += 1;
      }
    }
    if (rotations === 0) break;
  }

  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (a[j * n + j] as number) - (a[i * n + i] as number),
  );
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => {
    sorted.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i] as number), vectors: sorted };
}

/** Zeroes a[p, q] by J^T a J, and collects J^T in the rows of `vectors`. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const theta = ((a[q * n + q] as number) - (a[p * n + p] as number)) / (2 * (a[p * n + q] as number));
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q, cosine, sine);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k, cosine, sine);
  for (let k = 0; k < n; k++) turn(vectors, p * n + k, q * n + k, cosine, sine);
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}

function turn(values: Float64Array, i: number, j: number, cosine: number, sine: number): void {
  const x = values[i] as number;
  const y = values[j] as number;
  values[i] = cosine * x - sine * y;
  values[j] = sine * x + cosine * y;
}

function frobeniusNorm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
