import { requireProper } from './proper-prior.js';
import { digamma, logGamma } from './special-functions.js';

/**
 * p(mu|tau) = N(mean, 1 / (meanPrecision tau)), p(tau) = Gamma(shape, rate): PRML (10.22) and (10.23). The last three
 * are above 0; for hardly a prior, make them small.
 */
export interface NormalGamma {
  readonly mean: number;
  readonly meanPrecision: number;
  readonly shape: number;
  readonly rate: number;
}

/** q(mu) q(tau) = N(mean, 1 / precision) Gamma(shape, rate). */
export interface MeanPrecisionPosterior {
  readonly mean: number;
  readonly precision: number;
  readonly shape: number;
  readonly rate: number;
}

export interface MeanPrecisionFit {
  readonly posterior: MeanPrecisionPosterior;
  /** The lower bound on ln p(data) after each iteration, nats: it never falls. */
  readonly lowerBounds: readonly number[];
}

const LN_2PI = Math.log(2 * Math.PI);

/**
 * Mean-field variational inference of a Gaussian's unknown mean and precision (Bishop, Pattern Recognition and Machine
 * Learning, 10.1.3): q(mu) and q(tau) are each updated given the other until the bound rises by less than `tolerance`.
 * @param data [count]
 * @param tolerance nats
 * @throws RangeError when there are no data, one of them is not finite, or the prior is improper
 */
export function fitMeanAndPrecision(
  data: ArrayLike<number>,
  prior: NormalGamma,
  { tolerance = 1e-12, maxIterations = 1000 } = {},
): MeanPrecisionFit {
  if (data.length === 0) throw new RangeError('there are no data to fit a mean and a precision to');
  requireProper({ meanPrecision: [prior.meanPrecision, 0], shape: [prior.shape, 0], rate: [prior.rate, 0] });
  const { count, mean: sampleMean, scatter } = summarize(data);
  if (!Number.isFinite(scatter))
    throw new RangeError('a number of the data is NaN or infinite, or too large to square');
  // (10.26) and (10.29) do not depend on the other factor. The shape's 1/2 beyond count / 2 is p(mu|tau)'s own tau.
  const mean = (prior.meanPrecision * prior.mean + count * sampleMean) / (prior.meanPrecision + count);
  const shape = prior.shape + (count + 1) / 2;
  const expectedSquares = (variance: number) =>
    scatter +
    count * ((sampleMean - mean) ** 2 + variance) +
    prior.meanPrecision * ((mean - prior.mean) ** 2 + variance);

  const lowerBounds: number[] = [];
  let posterior: MeanPrecisionPosterior = { mean, precision: prior.meanPrecision + count, shape, rate: shape };
  while (lowerBounds.length < maxIterations) {
    const rate = prior.rate + expectedSquares(1 / posterior.precision) / 2; // (10.30)
    const precision = ((prior.meanPrecision + count) * shape) / rate; // (10.27)
    posterior = { mean, precision, shape, rate };
    const bound = lowerBound(expectedSquares(1 / precision), count, prior, posterior);
    const previous = lowerBounds.at(-1) ?? Number.NEGATIVE_INFINITY;
    lowerBounds.push(bound);
    if (bound - previous < tolerance) break;
  }
  return { posterior, lowerBounds };
}

/** E[ln p(data, mu, tau)] + the entropies of q(mu) and q(tau). */
function lowerBound(squares: number, count: number, prior: NormalGamma, q: MeanPrecisionPosterior): number {
  const tau = q.shape / q.rate;
  const lnTau = digamma(q.shape) - Math.log(q.rate);
  const dataAndMean = 0.5 * ((count + 1) * (lnTau - LN_2PI) + Math.log(prior.meanPrecision) - tau * squares);
  const precision =
    prior.shape * Math.log(prior.rate) - logGamma(prior.shape) + (prior.shape - 1) * lnTau - prior.rate * tau;
  const meanEntropy = 0.5 * (1 + LN_2PI - Math.log(q.precision));
  const precisionEntropy = q.shape - Math.log(q.rate) + logGamma(q.shape) + (1 - q.shape) * digamma(q.shape);
  return dataAndMean + precision + meanEntropy + precisionEntropy;
}

function summarize(data: ArrayLike<number>): { count: number; mean: number; scatter: number } {
  const values = Array.from(data);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { count: values.length, mean, scatter: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) };
}
