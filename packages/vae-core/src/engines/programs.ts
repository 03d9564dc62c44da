import tf = require('@tensorflow/tfjs-core');

import type { Model, ParameterTensors } from '../models/model.js';
import { elboTerms, likelihoodMean, negativeElbo } from '../objectives/elbo.js';
import type { ParameterEntry } from '../parameter-layout.js';

export type NamedShape = readonly [name: string, shape: readonly number[]];
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** What a program computes; `gradients` by parameter name, only from programs that differentiate. */
export interface ProgramResult {
  readonly outputs: NamedTensors;
  readonly gradients?: NamedTensors;
}

/** One pure function of tensors with fixed shapes, written in plain TensorFlow.js: what every engine runs. */
export interface Program {
  /** Equal for equal programs: the key of compiled functions. */
  readonly key: string;
  /** Elements of the flat parameter array. */
  readonly parametersLength: number;
  /** The parameters that it reads (all of them, where it differentiates). */
  readonly parameters: readonly ParameterEntry[];
  readonly inputs: readonly NamedShape[];
  readonly outputs: readonly NamedShape[];
  readonly differentiates: boolean;
  /** To be called inside a tfjs scope; the tensors it returns belong to the caller, who disposes them. */
  run(parameters: ParameterTensors, inputs: NamedTensors): ProgramResult;
}

/** The gradient of the batch's negative ELBO (sum over examples) and the ELBO's terms. */
export function gradientProgram(model: Model, monteCarloSamples: number, batchSize: number): Program {
  return {
    ...evaluationProgram(model, monteCarloSamples, batchSize),
    key: programKey('gradient', model, monteCarloSamples, batchSize),
    inputs: [...elboInputs(model, monteCarloSamples, batchSize), ['beta', []]],
    differentiates: true,
    run(parameters, { x, epsilon, beta }) {
      const names = Object.keys(parameters);
      let outputs: NamedTensors = {};
      const loss = (...values: tf.Tensor[]): tf.Scalar => {
        const current = Object.fromEntries(names.map((name, i) => [name, values[i] as tf.Tensor]));
        const terms = elboTerms(model, current, x as tf.Tensor2D, epsilon as tf.Tensor3D);
        // valueAndGrads gives back the loss alone and clears what else was computed: the terms must be kept.
        outputs = { ...terms };
        for (const term of Object.values(outputs)) tf.keep(term);
        return negativeElbo(terms, beta as tf.Scalar);
      };
      const { grads } = differentiate(loss, Object.values(parameters), () => tf.dispose({ ...outputs }));
      return { outputs, gradients: Object.fromEntries(names.map((name, i) => [name, grads[i] as tf.Tensor])) };
    },
  };
}

/** The ELBO's terms alone. */
export function evaluationProgram(model: Model, monteCarloSamples: number, batchSize: number): Program {
  return {
    key: programKey('evaluation', model, monteCarloSamples, batchSize),
    parametersLength: model.layout.length,
    parameters: model.layout.entries,
    inputs: elboInputs(model, monteCarloSamples, batchSize),
    outputs: [
      ['reconstructionLogProb', [batchSize]],
      ['klDivergence', [batchSize, model.latentDim]],
    ],
    differentiates: false,
    run(parameters, { x, epsilon }) {
      return { outputs: { ...elboTerms(model, parameters, x as tf.Tensor2D, epsilon as tf.Tensor3D) } };
    },
  };
}

/** x [batch, dataDim] to the posterior's mean and log-variance, each [batch, latentDim]. */
export function encoderProgram(model: Model, batchSize: number): Program {
  return {
    key: programKey('encoder', model, 1, batchSize),
    parametersLength: model.layout.length,
    parameters: entriesOf(model, 'encoder.'),
    inputs: [['x', [batchSize, model.dataDim]]],
    outputs: [
      ['posteriorMean', [batchSize, model.latentDim]],
      ['posteriorLogVar', [batchSize, model.latentDim]],
    ],
    differentiates: false,
    run(parameters, { x }) {
      return { outputs: { ...model.encode(parameters, x as tf.Tensor2D) } };
    },
  };
}

/** z [batch, latentDim] to the likelihood's mean [batch, dataDim]. */
export function decoderProgram(model: Model, batchSize: number): Program {
  return {
    key: programKey('decoder', model, 1, batchSize),
    parametersLength: model.layout.length,
    parameters: entriesOf(model, 'decoder.'),
    inputs: [['z', [batchSize, model.latentDim]]],
    outputs: [['likelihoodMean', [batchSize, model.dataDim]]],
    differentiates: false,
    run(parameters, { z }) {
      const decoded = model.decode(parameters, z as tf.Tensor2D);
      return { outputs: { likelihoodMean: likelihoodMean(model.spec.likelihood, decoded) } };
    },
  };
}

/** tf.valueAndGrads; `cleanUp` is for what the function kept, should it or its gradient fail. */
function differentiate(f: (...x: tf.Tensor[]) => tf.Scalar, at: tf.Tensor[], cleanUp: () => void) {
  try {
    return tf.valueAndGrads(f)(at);
  } catch (error) {
    cleanUp();
    throw error;
  }
}

function elboInputs(model: Model, monteCarloSamples: number, batchSize: number): readonly NamedShape[] {
  return [
    ['x', [batchSize, model.dataDim]],
    ['epsilon', [monteCarloSamples, batchSize, model.latentDim]],
  ];
}

function entriesOf(model: Model, prefix: string): readonly ParameterEntry[] {
  return model.layout.entries.filter((entry) => entry.name.startsWith(prefix));
}

function programKey(kind: string, model: Model, monteCarloSamples: number, batchSize: number): string {
  return JSON.stringify([kind, model.key, monteCarloSamples, batchSize]);
}
