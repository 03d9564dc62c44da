import { choleskyFactor, choleskySolve, NotPositiveDefiniteError } from '../linear-algebra/cholesky.js';
import { MomentConstraintError } from './errors.js';

export interface MaximumEntropySolution {
  /** p_i, proportional to exp(sum_k multipliers_k features_k(x_i)). [support] */
  readonly probabilities: Float64Array;
  /** The Lagrange multipliers. [features] */
  readonly multipliers: Float64Array;
  /** -sum p ln p, nats. */
  readonly entropy: number;
}

const MAX_ITERATIONS = 200;
/** Below this squared Newton decrement the full step is right, and what it saves is lost in the dual's rounding. */
const FULL_STEP_BELOW = 1e-9;

/**
 * The distribution of the largest entropy on a finite support with E[feature_k] = moment_k for every k (Jaynes,
 * "Information theory and statistical mechanics", Phys. Rev. 106, 1957). It is the exponential family of the features,
 * and its multipliers minimise the convex dual ln sum_i exp(sum_k multipliers_k (features_k(x_i) - moments_k)), whose
 * gradient is E[features] - moments and whose Hessian is the features' covariance. Newton's method with a backtracking
 * line search (Boyd and Vandenberghe, Convex Optimization, 9.5).
 * @param features [features][support]: the value of each feature at each point of the support
 * @param moments [features]
 * @param tolerance of each moment, as a part of its largest distance from a value of the feature
 * @throws RangeError when there is not one moment for each feature, or a feature is longer than another;
 *   MomentConstraintError when no distribution on the support has the moments, or one feature follows from others.
 */
export function maximumEntropy(
  features: readonly ArrayLike<number>[],
  moments: readonly number[],
  { tolerance = 1e-11 } = {},
): MaximumEntropySolution {
  const support = features[0]?.length ?? 0;
  if (support === 0 || features.length !== moments.length || features.some((f) => f.length !== support)) {
    throw new RangeError('each feature needs a value at every point of the support, and one moment');
  }
  const centred = features.map((feature, k) => centre(feature, moments, k));
  const tolerances = centred.map((feature) => tolerance * largest(feature.map(Math.abs)));
  let multipliers = new Float64Array(moments.length);
  let current = evaluateDual(centred, multipliers);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { gradient } = current;
    if (tolerances.every((most, k) => Math.abs(gradient[k] as number) < most)) return solution(current, multipliers);
    const step = newtonStep(centred, moments, current);
    const decrement = step.reduce((sum, s, k) => sum + s * (gradient[k] as number), 0);
    const from = current.value;
    for (let size = 1; ; size /= 2) {
      const next = multipliers.map((lambda, k) => lambda - size * (step[k] as number));
      current = evaluateDual(centred, next);
      if (decrement < FULL_STEP_BELOW || current.value <= from - 0.25 * size * decrement) {
        multipliers = next;
        break;
      }
    }
  }
  const residual = largest(current.gradient.map(Math.abs));
  throw new MomentConstraintError(
    moments,
    residual,
    `after ${MAX_ITERATIONS} iterations they are missed by ${residual}`,
  );
}

interface Dual {
  readonly value: number;
  readonly probabilities: Float64Array;
  /** E[features] - moments */
  readonly gradient: Float64Array;
}

/** The feature less its moment, which must lie inside the feature's range. */
function centre(feature: ArrayLike<number>, moments: readonly number[], k: number): Float64Array {
  const centred = Float64Array.from(feature, (value) => value - (moments[k] as number));
  const [above, below] = [largest(centred), -largest(centred.map((value) => -value))];
  if (above > 0 && below < 0) return centred;
  const residual = Math.max(below, -above);
  throw new MomentConstraintError(moments, residual, `moment ${k} is not strictly inside its feature's range`);
}

function evaluateDual(centred: readonly Float64Array[], multipliers: Float64Array): Dual {
  const exponents = new Float64Array((centred[0] as Float64Array).length);
  centred.forEach((feature, k) => {
    const lambda = multipliers[k] as number;
    for (let i = 0; i < exponents.length; i++) {
      exponents[i] = (exponents[i] as number) + lambda * (feature[i] as number);
    }
  });
  const top = largest(exponents);
  const unnormalized = exponents.map((exponent) => Math.exp(exponent - top));
  const sum = unnormalized.reduce((a, b) => a + b, 0);
  const probabilities = unnormalized.map((value) => value / sum);
  const gradient = Float64Array.from(centred, (feature) => dot(probabilities, feature));
  return { value: top + Math.log(sum), probabilities, gradient };
}

/** covariance^-1 gradient */
function newtonStep(
  centred: readonly Float64Array[],
  moments: readonly number[],
  { probabilities, gradient }: Dual,
): Float64Array {
  const n = centred.length;
  const deviations = centred.map((feature, k) => feature.map((value) => value - (gradient[k] as number)));
  const covariance = Float64Array.from({ length: n * n }, (_, at) => {
    const [a, b] = [deviations[Math.floor(at / n)] as Float64Array, deviations[at % n] as Float64Array];
    return probabilities.reduce((sum, p, i) => sum + p * (a[i] as number) * (b[i] as number), 0);
  });
  try {
    return choleskySolve(choleskyFactor(covariance, n), gradient);
  } catch (error) {
    if (!(error instanceof NotPositiveDefiniteError)) throw error;
    const residual = largest(gradient.map(Math.abs));
    const problem = `the features have no spread left in some direction, ${residual} away from the moments`;
    throw new MomentConstraintError(moments, residual, problem, { cause: error });
  }
}

function solution({ probabilities }: Dual, multipliers: Float64Array): MaximumEntropySolution {
  const entropy = probabilities.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  return { probabilities, multipliers, entropy };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

function largest(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
