/** The distribution function of N(0, 1), by the series phi(x) (x + x^3/3 + x^5/15 + ...); error below 1e-12 for |x| < 7. */
export function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/**
 * The statistic of Kolmogorov and Smirnov, sqrt(n) sup |F_n - F|. For numbers that do follow F it exceeds t with the
 * probability 2 exp(-2 t^2): 2.2 once in 8,000 tests.
 */
export function kolmogorovSmirnov(sample: Float32Array, cdf: (x: number) => number): number {
  const sorted = Float32Array.from(sample).sort();
  const n = sorted.length;
  let largest = 0;
  sorted.forEach((x, i) => {
    const f = cdf(x);
    largest = Math.max(largest, f - i / n, (i + 1) / n - f);
  });
  return Math.sqrt(n) * largest;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** The correlation of two samples times sqrt(n): about N(0, 1) for independent ones. */
export function correlationZ(a: Float32Array, b: Float32Array): number {
  const meanA = mean(a);
  const meanB = mean(b);
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const da = (a[i] as number) - meanA;
    const db = (b[i] as number) - meanB;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return (ab / Math.sqrt(aa * bb)) * Math.sqrt(a.length);
}
