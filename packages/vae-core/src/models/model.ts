import type { Activation, ModelSpec } from '@elbo/protocol/run-spec';

import tf = require('@tensorflow/tfjs-core');

import { layParametersOut, type ParameterLayout } from '../parameter-layout.js';

/** Parameters as tensors, by the names of the layout. */
export type ParameterTensors = Readonly<Record<string, tf.Tensor>>;

/** q(z|x) = N(posteriorMean, diag(exp(posteriorLogVar))), each [batch, latentDim]. */
export interface Posterior {
  readonly posteriorMean: tf.Tensor2D;
  readonly posteriorLogVar: tf.Tensor2D;
}

/**
 * A variational autoencoder with dense layers: the inference network q(z|x; phi) (`encoder.*`) and the generative
 * network p(x|z; theta) (`decoder.*`). Written once in plain TensorFlow.js ops, for every engine.
 */
export interface Model {
  readonly spec: ModelSpec;
  readonly dataDim: number;
  readonly latentDim: number;
  readonly layout: ParameterLayout;
  /** A string that is equal for equal models: the key of compiled functions. */
  readonly key: string;
  /** x [batch, dataDim] -> the posterior of each example. */
  encode(parameters: ParameterTensors, x: tf.Tensor2D): Posterior;
  /** z [n, latentDim] -> logits (Bernoulli) or means (Gaussian) [n, dataDim]. */
  decode(parameters: ParameterTensors, z: tf.Tensor2D): tf.Tensor2D;
}

const activations: Record<Activation, (x: tf.Tensor2D) => tf.Tensor2D> = {
  relu: (x) => tf.relu(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  elu: (x) => tf.elu(x),
  softplus: (x) => tf.softplus(x),
  linear: (x) => x,
};

/** Builds the model of a spec for observations of `dataDim` numbers. */
export function createModel(spec: ModelSpec, dataDim: number): Model {
  const { latentDim } = spec;
  const encoderSizes = [dataDim, ...spec.encoder.hidden];
  const decoderSizes = [latentDim, ...spec.decoder.hidden];
  const encoderOut = encoderSizes.at(-1) as number;
  const learnsVariance = spec.likelihood.kind === 'gaussian' && spec.likelihood.variance === 'learned';

  const layout = layParametersOut([
    ...hiddenShapes('encoder', encoderSizes),
    ...denseShapes('encoder.posteriorMean', encoderOut, latentDim),
    ...denseShapes('encoder.posteriorLogVar', encoderOut, latentDim),
    ...hiddenShapes('decoder', decoderSizes),
    ...denseShapes('decoder.likelihoodMean', decoderSizes.at(-1) as number, dataDim),
    ...(learnsVariance ? [['decoder.likelihoodLogVar', [dataDim]] as const] : []),
  ]);

  return {
    spec,
    dataDim,
    latentDim,
    layout,
    key: JSON.stringify([spec, dataDim]),
    encode(parameters, x) {
      const h = hidden(parameters, 'encoder', spec.encoder.hidden.length, activations[spec.encoder.activation], x);
      return {
        posteriorMean: dense(parameters, 'encoder.posteriorMean', h),
        posteriorLogVar: dense(parameters, 'encoder.posteriorLogVar', h),
      };
    },
    decode(parameters, z) {
      const h = hidden(parameters, 'decoder', spec.decoder.hidden.length, activations[spec.decoder.activation], z);
      return dense(parameters, 'decoder.likelihoodMean', h);
    },
  };
}

type NamedShape = readonly [name: string, shape: readonly number[]];

function denseShapes(name: string, inputs: number, outputs: number): NamedShape[] {
  return [
    [`${name}.weight`, [inputs, outputs]],
    [`${name}.bias`, [outputs]],
  ];
}

function hiddenShapes(network: string, sizes: readonly number[]): NamedShape[] {
  return sizes.slice(1).flatMap((size, i) => denseShapes(`${network}.hidden${i}`, sizes[i] as number, size));
}

function dense(parameters: ParameterTensors, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(
    tf.matMul(x, parameter(parameters, `${name}.weight`) as tf.Tensor2D),
    parameter(parameters, `${name}.bias`),
  );
}

function hidden(
  parameters: ParameterTensors,
  network: string,
  layers: number,
  activation: (x: tf.Tensor2D) => tf.Tensor2D,
  x: tf.Tensor2D,
): tf.Tensor2D {
  let h = x;
  for (let i = 0; i < layers; i++) h = activation(dense(parameters, `${network}.hidden${i}`, h));
  return h;
}

function parameter(parameters: ParameterTensors, name: string): tf.Tensor {
  const tensor = parameters[name];
  if (!tensor) throw new Error(`the model has no parameter named ${name}`);
  return tensor;
}
