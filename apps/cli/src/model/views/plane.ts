import type { LatentPlane } from '@elbo/protocol/cluster';
import { symmetricEigen } from '@elbo/vae-core/linear-algebra/symmetric-eigen';

/** Principal components are looked for among so many latent dimensions: the others hardly vary in any model that fits. */
const mostDimensions = 128;

/** A plane in the latent space: z = origin + x * right + y * up. */
export interface Plane {
  readonly axes: LatentPlane['axes'];
  /** [latentDim] each; `right` and `up` are unit vectors at right angles, `up` zero when there is one dimension. */
  readonly origin: Float64Array;
  readonly right: Float64Array;
  readonly up: Float64Array;
  /** Of the variance of the points, by right and up. */
  readonly explainedVariance: readonly [number, number];
}

/**
 * The plane that shows most of these points [count, latentDim]: the latent space itself when it has one or two
 * dimensions, else their first two principal components.
 */
export function planeThrough(points: Float32Array, latentDim: number): Plane {
  const { mean, variances } = moments(points, latentDim);
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  const share = (variance = 0) => (total > 0 ? variance / total : 0);
  if (latentDim <= 2) {
    const axis = (of: number) => Float64Array.from({ length: latentDim }, (_, j) => (j === of ? 1 : 0));
    const explainedVariance = [share(variances[0]), share(variances[1])] as const;
    const origin = new Float64Array(latentDim);
    return { axes: 'coordinates', origin, right: axis(0), up: axis(1), explainedVariance };
  }
  const dimensions = Array.from(variances.keys())
    .sort((i, j) => (variances[j] as number) - (variances[i] as number))
    .slice(0, mostDimensions);
  const { values, vectors } = symmetricEigen(covariance(points, latentDim, mean, dimensions), dimensions.length);
  const component = (which: number) => {
    const axis = new Float64Array(latentDim);
    for (const [i, dimension] of dimensions.entries())
      axis[dimension] = vectors[which * dimensions.length + i] as number;
    return axis;
  };
  const explainedVariance = [share(values[0]), share(values[1])] as const;
  return { axes: 'principal-components', origin: mean, right: component(0), up: component(1), explainedVariance };
}

/** Where the points [count, latentDim] lie in the plane: x and y, [count] each. */
export function projectOnto({ origin, right, up }: Plane, points: Float32Array) {
  const latentDim = origin.length;
  const along = (axis: Float64Array) =>
    Array.from({ length: points.length / latentDim }, (_, n) => {
      let sum = 0;
      for (let j = 0; j < latentDim; j++) {
        sum += ((points[n * latentDim + j] as number) - (origin[j] as number)) * (axis[j] as number);
      }
      return sum;
    });
  return { x: along(right), y: along(up) };
}

/** The point of the latent space at (x, y) of the plane. [latentDim] */
export function pointAt({ origin, right, up }: Plane, x: number, y: number): Float32Array {
  return Float32Array.from(origin, (at, j) => at + x * (right[j] as number) + y * (up[j] as number));
}

function moments(points: Float32Array, latentDim: number) {
  const count = points.length / latentDim;
  const mean = new Float64Array(latentDim);
  for (const [i, value] of points.entries()) mean[i % latentDim] = (mean[i % latentDim] as number) + value / count;
  const variances = new Float64Array(latentDim);
  for (const [i, value] of points.entries()) {
    const j = i % latentDim;
    variances[j] = (variances[j] as number) + (value - (mean[j] as number)) ** 2 / count;
  }
  return { mean, variances };
}

/** Of the chosen dimensions: its upper triangle, [n, n]. */
function covariance(points: Float32Array, latentDim: number, mean: Float64Array, dimensions: readonly number[]) {
  const n = dimensions.length;
  const count = points.length / latentDim;
  const sums = new Float64Array(n * n);
  const row = new Float64Array(n);
  for (let at = 0; at < points.length; at += latentDim) {
    for (const [i, j] of dimensions.entries()) row[i] = (points[at + j] as number) - (mean[j] as number);
    for (let i = 0; i < n; i++) {
      const value = row[i] as number;
      for (let j = i; j < n; j++) sums[i * n + j] = (sums[i * n + j] as number) + (value * (row[j] as number)) / count;
    }
  }
  return sums;
}
