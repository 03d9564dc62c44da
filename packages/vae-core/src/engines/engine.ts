import type { EngineName } from '@elbo/protocol/run-spec';
import type { Model } from '../models/model.js';

/** The terms of the objective, example by example. */
export interface BatchTerms {
  /** (1/M) sum over m of ln p(x|z_m), nats. [batch] */
  readonly reconstructionLogProb: Float32Array;
  /** KL(q(z|x) || p(z)) split by latent dimension, nats. [batch, latentDim] */
  readonly klDivergence: Float32Array;
}

/** No array given to an engine lies in shared memory, as a TensorArena's does: copy it first. */
export interface ElboInputs {
  /** All parameters, flat, by the model's layout. [layout.length] */
  readonly parameters: Float32Array;
  /** [batch, dataDim] */
  readonly x: Float32Array;
  /** Standard normal noise. [monteCarloSamples, batch, latentDim] */
  readonly epsilon: Float32Array;
}

/**
 * Computes the gradient of the loss, the **sum** over the batch of -(reconstructionLogProb - beta * klDivergence),
 * with respect to every parameter, and writes it to `gradient` ([layout.length], overwritten).
 * The terms returned are valid until the next call of the same function.
 */
export type GradientFunction = (
  inputs: ElboInputs & { readonly beta: number },
  gradient: Float32Array,
) => Promise<BatchTerms>;
/** The terms without a gradient; valid until the next call of the same function. */
export type EvaluationFunction = (inputs: ElboInputs) => Promise<BatchTerms>;
/** x [batch, dataDim] to posteriorMean and posteriorLogVar, each [batch, latentDim]. */
export type EncodeFunction = (
  parameters: Float32Array,
  x: Float32Array,
) => Promise<{ posteriorMean: Float32Array; posteriorLogVar: Float32Array }>;
/** z [batch, latentDim] to the likelihood's mean [batch, dataDim]: probabilities for Bernoulli, means for Gaussian. */
export type DecodeFunction = (parameters: Float32Array, z: Float32Array) => Promise<Float32Array>;

/**
 * Runs the programs of a model. One engine belongs to one thread. Compiled functions are cached by
 * (model, monteCarloSamples, batchSize): compiling the same twice gives the same function.
 *
 * Compiling throws EngineInputError for sizes that are no whole numbers of at least 1, UnsupportedOpError and
 * DataDependentControlFlowError for models of other ops; what is compiled throws EngineInputError for arrays that do not
 * fit. Both throw EngineDisposedError after dispose().
 */
export interface Engine {
  readonly name: EngineName;
  compileGradient(model: Model, monteCarloSamples: number, batchSize: number): Promise<GradientFunction>;
  compileEvaluation(model: Model, monteCarloSamples: number, batchSize: number): Promise<EvaluationFunction>;
  compileEncoder(model: Model, batchSize: number): Promise<EncodeFunction>;
  compileDecoder(model: Model, batchSize: number): Promise<DecodeFunction>;
  /** Frees everything compiled; the engine cannot be used afterwards. */
  dispose(): Promise<void>;
}
