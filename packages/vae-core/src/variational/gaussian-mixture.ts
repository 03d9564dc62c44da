import { choleskyFactor } from '../linear-algebra/cholesky.js';
import { RandomStreams } from '../random/streams.js';
import { expectedLogPrecision, type GaussianWishart, gaussianWishartKl, scaledDistance } from './gaussian-wishart.js';
import { requireProper } from './proper-prior.js';
import { digamma, logGamma } from './special-functions.js';

/**
 * The prior of a Bayesian mixture of Gaussians (Bishop, Pattern Recognition and Machine Learning, (10.39), (10.40)).
 * It must be proper: where nothing is known, choose small numbers above the least ones.
 */
export interface GaussianMixturePrior {
  /** alpha_0 of the symmetric Dirichlet over the weights, above 0; below 1, components not needed are emptied. */
  readonly concentration: number;
  /** m_0. [dim] */
  readonly mean: readonly number[];
  /** beta_0, above 0. */
  readonly meanPrecision: number;
  /** nu_0, above dim - 1. */
  readonly degreesOfFreedom: number;
  /** W_0^-1, positive definite: degreesOfFreedom times the covariance expected. Its lower triangle is read. [dim, dim] */
  readonly inverseScale: readonly number[];
}

export interface GaussianMixtureFit {
  /** alpha_k of q(pi) = Dirichlet(alpha). [components] */
  readonly concentrations: Float64Array;
  /** q(mu_k, Lambda_k). [components] */
  readonly components: readonly GaussianWishart[];
  /** r_nk = q(z_n = k). [count, components] */
  readonly responsibilities: Float64Array;
  /** The lower bound on ln p(data) after each iteration, nats: it never falls. */
  readonly lowerBounds: readonly number[];
}

/**
 * Variational inference of a Bayesian mixture of Gaussians (PRML 10.2). Starts from each example given to the nearest
 * of `components` examples chosen by the seed; iterates until the bound rises by less than `tolerance` nats.
 * @param data [count, dim], dim from the prior's mean
 * @param tolerance nats
 * @throws RangeError when the data are not a whole number of examples or not finite, there is no component, or the prior
 *   is improper or does not fit; NotPositiveDefiniteError for its inverseScale.
 */
export function fitGaussianMixture(
  data: ArrayLike<number>,
  components: number,
  prior: GaussianMixturePrior,
  seed: number,
  { tolerance = 1e-6, maxIterations = 500 } = {},
): GaussianMixtureFit {
  const dim = prior.mean.length;
  if (data.length === 0 || data.length % dim !== 0) {
    throw new RangeError(`${data.length} numbers are not a whole number of examples of ${dim}`);
  }
  if (!Array.prototype.every.call(data, Number.isFinite))
    throw new RangeError('a number of the data is NaN or infinite');
  if (!(Number.isInteger(components) && components >= 1)) {
    throw new RangeError(`a mixture has 1 component or more, not ${components}`);
  }
  const base = gaussianWishartOf(prior);
  const examples = Array.from({ length: data.length / dim }, (_, n) =>
    Float64Array.from({ length: dim }, (_, i) => data[n * dim + i] as number),
  );
  let responsibilities = nearestExamples(examples, components, seed);
  const lowerBounds: number[] = [];
  while (true) {
    const posteriors = Array.from({ length: components }, (_, k) =>
      componentPosterior(examples, responsibilities, k, components, base),
    );
    const concentrations = Float64Array.from(
      posteriors,
      ({ degreesOfFreedom }) => prior.concentration + (degreesOfFreedom - prior.degreesOfFreedom),
    ); // (10.58)
    const expectation = expectExamples(examples, concentrations, posteriors);
    responsibilities = expectation.responsibilities;

    // (10.70), with the responsibilities at their optimum: what the examples give, less what the parameters cost.
    let bound = expectation.logProb - dirichletKl(concentrations, prior.concentration);
    for (const posterior of posteriors) bound -= gaussianWishartKl(posterior, base);
    const previous = lowerBounds.at(-1) ?? Number.NEGATIVE_INFINITY;
    lowerBounds.push(bound);
    if (bound - previous < tolerance || lowerBounds.length >= maxIterations) {
      return { concentrations, components: posteriors, responsibilities, lowerBounds };
    }
  }
}

/** q(mu_k, Lambda_k) given the responsibilities: (10.51) to (10.53) and (10.60) to (10.63). */
function componentPosterior(
  examples: readonly Float64Array[],
  responsibilities: Float64Array,
  k: number,
  components: number,
  prior: GaussianWishart,
): GaussianWishart {
  const dim = prior.mean.length;
  let weight = 0;
  const sum = new Float64Array(dim);
  examples.forEach((x, n) => {
    const r = responsibilities[n * components + k] as number;
    weight += r;
    for (let i = 0; i < dim; i++) sum[i] = (sum[i] as number) + r * (x[i] as number);
  });
  const meanPrecision = prior.meanPrecision + weight;
  const mean = sum.map((value, i) => (prior.meanPrecision * (prior.mean[i] as number) + value) / meanPrecision);

  // N_k S_k and the shift of the mean in (10.62) together are the scatter about the new mean, of the examples and of
  // the prior's mean with the weight beta_0.
  const inverseScale = Float64Array.from(prior.inverseScale);
  addScatter(inverseScale, prior.mean, mean, prior.meanPrecision);
  examples.forEach((x, n) => {
    addScatter(inverseScale, x, mean, responsibilities[n * components + k] as number);
  });
  return {
    mean,
    meanPrecision,
    degreesOfFreedom: prior.degreesOfFreedom + weight,
    inverseScale,
    factor: choleskyFactor(inverseScale, dim),
  };
}

/** matrix += weight (x - mean) (x - mean)^T */
function addScatter(matrix: Float64Array, x: Float64Array, mean: Float64Array, weight: number): void {
  const dim = x.length;
  for (let i = 0; i < dim; i++) {
    const deviation = weight * ((x[i] as number) - (mean[i] as number));
    for (let j = 0; j < dim; j++) {
      matrix[i * dim + j] = (matrix[i * dim + j] as number) + deviation * ((x[j] as number) - (mean[j] as number));
    }
  }
}

/** The responsibilities (10.46), (10.49), and the sum over n of ln sum_k rho_nk. */
function expectExamples(
  examples: readonly Float64Array[],
  concentrations: Float64Array,
  posteriors: readonly GaussianWishart[],
): { responsibilities: Float64Array; logProb: number } {
  const components = posteriors.length;
  const total = digamma(concentrations.reduce((sum, alpha) => sum + alpha, 0));
  const constants = posteriors.map((q, k) => {
    const logWeight = digamma(concentrations[k] as number) - total; // (10.66)
    const dim = q.mean.length;
    return logWeight + (expectedLogPrecision(q) - dim * Math.log(2 * Math.PI) - dim / q.meanPrecision) / 2;
  });
  const responsibilities = new Float64Array(examples.length * components);
  let logProb = 0;
  examples.forEach((x, n) => {
    const logRho = posteriors.map((q, k) => (constants[k] as number) - (q.degreesOfFreedom / 2) * scaledDistance(q, x));
    const largest = Math.max(...logRho);
    const sum = logRho.reduce((total, value) => total + Math.exp(value - largest), 0);
    logProb += largest + Math.log(sum);
    logRho.forEach((value, k) => {
      responsibilities[n * components + k] = Math.exp(value - largest) / sum;
    });
  });
  return { responsibilities, logProb };
}

/** KL(Dirichlet(alpha) || Dirichlet(base, ..., base)), nats. */
function dirichletKl(alpha: Float64Array, base: number): number {
  const total = alpha.reduce((sum, value) => sum + value, 0);
  const psiTotal = digamma(total);
  let kl = logGamma(total) - logGamma(base * alpha.length);
  for (const value of alpha) kl += logGamma(base) - logGamma(value) + (value - base) * (digamma(value) - psiTotal);
  return kl;
}

function gaussianWishartOf(prior: GaussianMixturePrior): GaussianWishart {
  const { concentration, meanPrecision, degreesOfFreedom } = prior;
  const dim = prior.mean.length;
  if (prior.inverseScale.length !== dim * dim) {
    throw new RangeError(`the prior's inverseScale has ${prior.inverseScale.length} numbers, not ${dim} x ${dim}`);
  }
  requireProper({
    concentration: [concentration, 0],
    meanPrecision: [meanPrecision, 0],
    degreesOfFreedom: [degreesOfFreedom, dim - 1],
  });
  const inverseScale = Float64Array.from(prior.inverseScale);
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j < i; j++) inverseScale[j * dim + i] = inverseScale[i * dim + j] as number;
  }
  const factor = choleskyFactor(inverseScale, dim);
  return { mean: Float64Array.from(prior.mean), meanPrecision, degreesOfFreedom, inverseScale, factor };
}

function nearestExamples(examples: readonly Float64Array[], components: number, seed: number): Float64Array {
  const chosen = new RandomStreams(seed).permutation('parameters', 0, examples.length).subarray(0, components);
  const responsibilities = new Float64Array(examples.length * components);
  examples.forEach((x, n) => {
    const distances = Array.from(chosen, (c) => squaredDistance(x, examples[c] as Float64Array));
    responsibilities[n * components + distances.indexOf(Math.min(...distances))] = 1;
  });
  return responsibilities;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);
}
