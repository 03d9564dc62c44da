import { symmetricEigen } from '../linear-algebra/symmetric-eigen.js';
import type { LinearGaussian } from './probabilistic-pca.js';

export interface ProbabilisticPcaFit {
  readonly model: LinearGaussian;
  /** (1/N) sum over n of ln p(x_n) at the fit: the most that any linear-Gaussian model of the kind attains. Nats. */
  readonly meanLogProb: number;
  /** Of the data's covariance (1/N), largest first. [dataDim] */
  readonly eigenvalues: Float64Array;
}

/**
 * The maximum-likelihood fit in closed form (Tipping and Bishop 1999): b is the data's mean, sigma^2 the mean of the
 * covariance's discarded eigenvalues (8), W = U (Lambda - sigma^2 I)^(1/2) with the leading eigenvectors U (7) and the
 * rotation that (7) leaves open chosen as I. W's columns are then orthogonal, so that p(z|x) has a diagonal covariance:
 * an encoder with a diagonal one loses nothing there (Lucas et al. 2019, "Don't blame the ELBO!").
 * @param data [count, dataDim]
 * @throws RangeError when the data are not a whole number of examples or not finite, latentDim leaves no dimension for
 *   the noise, or the data leave it no variance but rounding.
 */
export function fitProbabilisticPca(data: ArrayLike<number>, dataDim: number, latentDim: number): ProbabilisticPcaFit {
  if (data.length === 0 || data.length % dataDim !== 0) {
    throw new RangeError(`${data.length} numbers are not a whole number of examples of ${dataDim}`);
  }
  if (!(Number.isInteger(latentDim) && latentDim >= 1 && latentDim < dataDim)) {
    throw new RangeError(`latentDim is a whole number from 1 to dataDim - 1 (${dataDim - 1}), not ${latentDim}`);
  }
  const { mean, covariance } = meanAndCovariance(data, dataDim);
  if (!covariance.every(Number.isFinite)) {
    throw new RangeError('a number of the data is NaN or infinite, or too large to square');
  }
  const { values, vectors } = symmetricEigen(covariance, dataDim);
  const variance = values.subarray(latentDim).reduce((sum, value) => sum + value, 0) / (dataDim - latentDim);
  // Eigenvalues that should be 0 come out as rounding of the largest: below this they cannot be told from it.
  const rounding = dataDim * Number.EPSILON * (values[0] as number);
  if (!(variance > rounding)) {
    throw new RangeError(
      `the data lie in ${latentDim} dimensions or fewer, which leaves no variance for the noise: the likelihood has no maximum`,
    );
  }
  const weight = new Float64Array(latentDim * dataDim);
  let logDeterminant = (dataDim - latentDim) * Math.log(variance);
  for (let i = 0; i < latentDim; i++) {
    // No eigenvalue is below the mean of smaller ones, but where all are equal the mean's rounding may put it above.
    const scale = Math.sqrt(Math.max((values[i] as number) - variance, 0));
    for (let k = 0; k < dataDim; k++) weight[i * dataDim + k] = scale * (vectors[i * dataDim + k] as number);
    logDeterminant += Math.log(values[i] as number);
  }
  return {
    model: { latentDim, dataDim, weight, bias: mean, variance },
    // (4) at the fit, where tr(C^-1 S) is dataDim.
    meanLogProb: -0.5 * (dataDim * Math.log(2 * Math.PI) + logDeterminant + dataDim),
    eigenvalues: values,
  };
}

function meanAndCovariance(data: ArrayLike<number>, dataDim: number): { mean: Float64Array; covariance: Float64Array } {
  const count = data.length / dataDim;
  const mean = new Float64Array(dataDim);
  for (let at = 0; at < data.length; at++) {
    mean[at % dataDim] = (mean[at % dataDim] as number) + (data[at] as number) / count;
  }
  const covariance = new Float64Array(dataDim * dataDim);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < dataDim; i++) {
      const deviation = ((data[n * dataDim + i] as number) - (mean[i] as number)) / count;
      for (let j = 0; j < dataDim; j++) {
        const at = i * dataDim + j;
        covariance[at] =
          (covariance[at] as number) + deviation * ((data[n * dataDim + j] as number) - (mean[j] as number));
      }
    }
  }
  return { mean, covariance };
}
