import type { LikelihoodSpec } from '@elbo/protocol/run-spec';

import tf = require('@tensorflow/tfjs-core');

import type { Model, ParameterTensors, Posterior } from '../models/model.js';

export interface ElboTensors {
  /** (1/M) sum_m ln p(x|z_m), nats. [batch] */
  readonly reconstructionLogProb: tf.Tensor1D;
  /** KL(q(z|x) || N(0, I)) by latent dimension, nats. [batch, latentDim] */
  readonly klDivergence: tf.Tensor2D;
}

/** z = posteriorMean + sigma * epsilon (Kingma & Welling 2013, section 2.4). epsilon [M, batch, latentDim] -> z, the same. */
export function reparameterize({ posteriorMean, posteriorLogVar }: Posterior, epsilon: tf.Tensor3D): tf.Tensor3D {
  return tf.add(posteriorMean, tf.mul(tf.exp(tf.mul(posteriorLogVar, 0.5)), epsilon));
}

/** KL(N(mu, sigma^2) || N(0, 1)) = (sigma^2 + mu^2 - 1 - ln sigma^2) / 2 for each example and dimension (13.24). */
export function gaussianKlDivergence({ posteriorMean, posteriorLogVar }: Posterior): tf.Tensor2D {
  const twice = tf.sub(tf.add(tf.exp(posteriorLogVar), tf.square(posteriorMean)), tf.add(posteriorLogVar, 1));
  return tf.mul(twice, 0.5);
}

/** ln Bernoulli(x | sigmoid(logits)), summed over dimensions: x * logits - softplus(logits). [n, dataDim] -> [n] */
export function bernoulliLogProb(logits: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.sub(tf.mul(x, logits), tf.softplus(logits)), 1);
}

/** ln N(x | mean, diag(exp(logVar))), summed over dimensions, the constant kept. [n, dataDim] -> [n] */
export function gaussianLogProb(mean: tf.Tensor2D, logVar: tf.Tensor | number, x: tf.Tensor2D): tf.Tensor1D {
  const squared = tf.square(tf.sub(x, mean));
  const scaled =
    typeof logVar === 'number' ? tf.mul(squared, Math.exp(-logVar)) : tf.mul(squared, tf.exp(tf.neg(logVar)));
  const logNormalizer = tf.add(logVar, Math.log(2 * Math.PI));
  return tf.mul(tf.sum(tf.add(scaled, logNormalizer), 1), -0.5);
}

/** ELBO terms of a batch with M samples of noise for each example (13.27). */
export function elboTerms(
  model: Model,
  parameters: ParameterTensors,
  x: tf.Tensor2D,
  epsilon: tf.Tensor3D,
): ElboTensors {
  const [samples, batch] = epsilon.shape;
  const posterior = model.encode(parameters, x);
  const z = tf.reshape(reparameterize(posterior, epsilon), [samples * batch, model.latentDim]) as tf.Tensor2D;
  const observed = samples === 1 ? x : (tf.tile(x, [samples, 1]) as tf.Tensor2D);
  const logProb = likelihoodLogProb(model.spec.likelihood, model.decode(parameters, z), parameters, observed);
  return {
    reconstructionLogProb: samples === 1 ? logProb : (tf.mean(tf.reshape(logProb, [samples, batch]), 0) as tf.Tensor1D),
    klDivergence: gaussianKlDivergence(posterior),
  };
}

/** The loss whose gradient trains the model: -sum_n (reconstructionLogProb_n - beta * klDivergence_n). Scalar. */
export function negativeElbo({ reconstructionLogProb, klDivergence }: ElboTensors, beta: tf.Scalar): tf.Scalar {
  return tf.sub(tf.mul(beta, tf.sum(klDivergence)), tf.sum(reconstructionLogProb));
}

/** The likelihood's mean from what the decoder gives: probabilities (Bernoulli) or the output itself (Gaussian). */
export function likelihoodMean(likelihood: LikelihoodSpec, decoded: tf.Tensor2D): tf.Tensor2D {
  return likelihood.kind === 'bernoulli' ? tf.sigmoid(decoded) : decoded;
}

function likelihoodLogProb(
  likelihood: LikelihoodSpec,
  decoded: tf.Tensor2D,
  parameters: ParameterTensors,
  x: tf.Tensor2D,
): tf.Tensor1D {
  if (likelihood.kind === 'bernoulli') return bernoulliLogProb(decoded, x);
  const logVar =
    likelihood.variance === 'learned' ? parameters['decoder.likelihoodLogVar'] : Math.log(likelihood.variance);
  return gaussianLogProb(decoded, logVar as tf.Tensor | number, x);
}
