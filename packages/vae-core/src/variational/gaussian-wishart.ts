import { choleskyInverse, choleskyLogDeterminant, solveLower } from '../linear-algebra/cholesky.js';
import { digamma, logGamma } from './special-functions.js';

/**
 * p(mu, Lambda) = N(mu | mean, (meanPrecision Lambda)^-1) Wishart(Lambda | W, degreesOfFreedom): the conjugate
 * distribution of a Gaussian's mean and precision matrix (Bishop, Pattern Recognition and Machine Learning, (10.40)).
 */
export interface GaussianWishart {
  /** [dim] */
  readonly mean: Float64Array;
  readonly meanPrecision: number;
  /** More than dim - 1. */
  readonly degreesOfFreedom: number;
  /** W^-1. [dim, dim] */
  readonly inverseScale: Float64Array;
  /** The Cholesky factor of W^-1. [dim, dim] */
  readonly factor: Float64Array;
}

/** (x - mean)^T W (x - mean). */
export function scaledDistance({ mean, factor }: GaussianWishart, x: ArrayLike<number>): number {
  const difference = mean.map((m, i) => (x[i] as number) - m);
  return solveLower(factor, difference).reduce((sum, value) => sum + value ** 2, 0);
}

/** E[ln|Lambda|] (10.65). */
export function expectedLogPrecision({ mean, degreesOfFreedom, factor }: GaussianWishart): number {
  const dim = mean.length;
  let sum = dim * Math.LN2 - choleskyLogDeterminant(factor, dim);
  for (let i = 0; i < dim; i++) sum += digamma((degreesOfFreedom - i) / 2);
  return sum;
}

/** KL(q || p), nats: that of the Gaussians, in expectation over q(Lambda), and that of the Wisharts. */
export function gaussianWishartKl(q: GaussianWishart, p: GaussianWishart): number {
  const dim = q.mean.length;
  const ratio = p.meanPrecision / q.meanPrecision;
  const gaussian =
    dim * (ratio - 1 - Math.log(ratio)) + p.meanPrecision * q.degreesOfFreedom * scaledDistance(q, p.mean);
  const scale = choleskyInverse(q.factor, dim);
  const trace = scale.reduce((sum, value, at) => sum + value * (p.inverseScale[at] as number), 0);
  const wishart =
    2 * (wishartLogNormalizer(q) - wishartLogNormalizer(p)) +
    (q.degreesOfFreedom - p.degreesOfFreedom) * expectedLogPrecision(q) +
    q.degreesOfFreedom * (trace - dim);
  return (gaussian + wishart) / 2;
}

/** ln B(W, nu) (B.79). */
export function wishartLogNormalizer({ mean, degreesOfFreedom, factor }: GaussianWishart): number {
  const dim = mean.length;
  let sum = (degreesOfFreedom / 2) * (choleskyLogDeterminant(factor, dim) - dim * Math.LN2);
  sum -= ((dim * (dim - 1)) / 4) * Math.log(Math.PI);
  for (let i = 0; i < dim; i++) sum -= logGamma((degreesOfFreedom - i) / 2);
  return sum;
}
