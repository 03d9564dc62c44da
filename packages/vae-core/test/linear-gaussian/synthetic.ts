import type { ModelSpec } from '@elbo/protocol/run-spec';
import type { LinearGaussian } from '@elbo/vae-core/latent/probabilistic-pca';
import type { Model } from '@elbo/vae-core/models/model';
import { parameterView } from '@elbo/vae-core/parameter-layout';
import { RandomStreams } from '@elbo/vae-core/random/streams';

export const normals = (seed: number, which: number, count: number): Float32Array => {
  const out = new Float32Array(count);
  new RandomStreams(seed).fillNormal('sampling', 0, which, 0, out, 0, count);
  return out;
};

/** Observations x = W z + b + sigma * noise. [count, dataDim] */
export function sampleLinearGaussian(model: LinearGaussian, seed: number, count: number): Float32Array {
  const { latentDim, dataDim, weight, bias, variance } = model;
  const z = normals(seed, 100, count * latentDim);
  const noise = normals(seed, 101, count * dataDim);
  return Float32Array.from({ length: count * dataDim }, (_, at) => {
    const n = Math.floor(at / dataDim);
    const k = at % dataDim;
    let x = bias[k]! + Math.sqrt(variance) * noise[at]!;
    for (let i = 0; i < latentDim; i++) x += weight[i * dataDim + k]! * z[n * latentDim + i]!;
    return x;
  });
}

/** The VAE without hidden layers: its generative network is the linear-Gaussian model. */
export const linearVae = (latentDim: number, variance: number): ModelSpec => ({
  latentDim,
  encoder: { hidden: [], activation: 'linear' },
  decoder: { hidden: [], activation: 'linear' },
  likelihood: { kind: 'gaussian', variance },
  initializer: 'glorotNormal',
});

/** The generative network's parameters as probabilistic PCA. */
export function asLinearGaussian(model: Model, parameters: Float32Array, variance: number): LinearGaussian {
  const view = (name: string) => parameterView(parameters, model.layout.entries.find((entry) => entry.name === name)!);
  return {
    latentDim: model.latentDim,
    dataDim: model.dataDim,
    weight: view('decoder.likelihoodMean.weight'),
    bias: view('decoder.likelihoodMean.bias'),
    variance,
  };
}

/**
 * Noise under which the mean over the M = 2 latentDim samples is the expectation under q, exactly: the points
 * +-sqrt(latentDim) e_i have the mean 0 and the covariance I, and ln p(x|z) of a linear decoder with a Gaussian
 * likelihood is quadratic in z, so that its mean over points depends on these two moments alone (the cubature rule of
 * degree 3, McNamee and Stenger 1967). [2 latentDim, batch, latentDim]
 */
export function cubatureNoise(batch: number, latentDim: number): Float32Array {
  const epsilon = new Float32Array(2 * latentDim * batch * latentDim);
  for (let m = 0; m < 2 * latentDim; m++) {
    for (let n = 0; n < batch; n++) {
      const i = m >> 1;
      epsilon[(m * batch + n) * latentDim + i] = (m % 2 === 0 ? 1 : -1) * Math.sqrt(latentDim);
    }
  }
  return epsilon;
}
