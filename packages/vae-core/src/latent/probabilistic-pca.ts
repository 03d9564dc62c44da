import { choleskyFactor, choleskyInverse, choleskyLogDeterminant, choleskySolve } from '../linear-algebra/cholesky.js';

/** x = W z + b + sigma * noise, with z ~ N(0, I) and noise ~ N(0, I): Tipping and Bishop 1999, (2). */
export interface LinearGaussian {
  readonly latentDim: number;
  readonly dataDim: number;
  /** W^T, as a decoder's weight lies in the layout. [latentDim, dataDim] */
  readonly weight: ArrayLike<number>;
  /** [dataDim] */
  readonly bias: ArrayLike<number>;
  /** sigma^2, above 0. */
  readonly variance: number;
}

/**
 * Probabilistic PCA (Tipping and Bishop, "Probabilistic principal component analysis", JRSS B 61, 1999): the latent
 * variable model in which the marginal and the posterior are known. With M = W^T W + sigma^2 I (latentDim square):
 *
 * - p(x) = N(b, C), C = W W^T + sigma^2 I, so that ln|C| = (dataDim - latentDim) ln sigma^2 + ln|M| and
 *   C^-1 = (I - W M^-1 W^T) / sigma^2
 * - p(z|x) = N(M^-1 W^T (x - b), sigma^2 M^-1)
 */
export class ProbabilisticPca {
  readonly model: LinearGaussian;
  /** The Cholesky factor of M. */
  readonly #factor: Float64Array;
  readonly #logDeterminant: number;

  /** @throws RangeError when the variance is not above 0, or weight and bias are not of the dimensions said. */
  constructor(model: LinearGaussian) {
    const { latentDim, dataDim, weight, bias, variance } = model;
    if (!(variance > 0)) throw new RangeError(`the variance of the noise must be above 0, not ${variance}`);
    if (weight.length !== latentDim * dataDim || bias.length !== dataDim) {
      const found = `a weight of ${weight.length} numbers and a bias of ${bias.length}`;
      throw new RangeError(`${found} do not fit ${latentDim} latent and ${dataDim} data dimensions`);
    }
    this.model = model;
    const m = new Float64Array(latentDim * latentDim);
    for (let i = 0; i < latentDim; i++) {
      for (let j = 0; j < latentDim; j++) {
        let dot = i === j ? variance : 0;
        for (let k = 0; k < dataDim; k++) {
          dot += (weight[i * dataDim + k] as number) * (weight[j * dataDim + k] as number);
        }
        m[i * latentDim + j] = dot;
      }
    }
    this.#factor = choleskyFactor(m, latentDim);
    this.#logDeterminant = choleskyLogDeterminant(this.#factor, latentDim);
  }

  /**
   * ln p(x), exact, in nats. x [dataDim]. With m the posterior's mean, (x - b)^T C^-1 (x - b) is
   * |x - b - W m|^2 / sigma^2 + |m|^2: a sum of squares, where C^-1 as above would be a difference of large numbers.
   */
  logProb(x: ArrayLike<number>): number {
    const { latentDim, dataDim, weight, bias, variance } = this.model;
    const z = this.posteriorMean(x);
    let squares = 0;
    for (let k = 0; k < dataDim; k++) {
      let residual = (x[k] as number) - (bias[k] as number);
      for (let i = 0; i < latentDim; i++) residual -= (weight[i * dataDim + k] as number) * (z[i] as number);
      squares += residual ** 2;
    }
    const distance = squares / variance + z.reduce((sum, value) => sum + value ** 2, 0);
    const logDeterminant = (dataDim - latentDim) * Math.log(variance) + this.#logDeterminant;
    return -0.5 * (dataDim * Math.log(2 * Math.PI) + logDeterminant + distance);
  }

  /** The mean of p(z|x). [latentDim] */
  posteriorMean(x: ArrayLike<number>): Float64Array {
    return choleskySolve(this.#factor, this.#project(x));
  }

  /** The covariance of p(z|x), the same for every x. [latentDim, latentDim] */
  posteriorCovariance(): Float64Array {
    return choleskyInverse(this.#factor, this.model.latentDim).map((value) => value * this.model.variance);
  }

  /**
   * KL(N(mean, diag(exp(logVar))) || p(z|x)) in closed form, nats: (tr(P S) + d^T P d - latentDim - ln|P S|) / 2 with
   * the posterior's precision P = M / sigma^2, S = diag(exp(logVar)) and d = mean - posteriorMean(x).
   */
  klFromDiagonal(mean: ArrayLike<number>, logVar: ArrayLike<number>, x: ArrayLike<number>): number {
    const { latentDim, variance } = this.model;
    const factor = this.#factor;
    const difference = this.posteriorMean(x).map((value, i) => (mean[i] as number) - value);
    let twice = -latentDim - (this.#logDeterminant - latentDim * Math.log(variance));
    for (let j = 0; j < latentDim; j++) {
      // M = L L^T: its diagonal gives the trace, and L^T d the quadratic form.
      let diagonal = 0;
      for (let k = 0; k <= j; k++) diagonal += (factor[j * latentDim + k] as number) ** 2;
      let turned = 0;
      for (let i = j; i < latentDim; i++) turned += (factor[i * latentDim + j] as number) * (difference[i] as number);
      twice += (diagonal * Math.exp(logVar[j] as number) + turned ** 2) / variance - (logVar[j] as number);
    }
    return twice / 2;
  }

  /** W^T (x - b). [latentDim] */
  #project(x: ArrayLike<number>): Float64Array {
    const { latentDim, dataDim, weight, bias } = this.model;
    return Float64Array.from({ length: latentDim }, (_, i) => {
      let dot = 0;
      for (let k = 0; k < dataDim; k++) {
        dot += (weight[i * dataDim + k] as number) * ((x[k] as number) - (bias[k] as number));
      }
      return dot;
    });
  }
}
