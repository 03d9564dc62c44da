import type { EngineName } from '@elbo/protocol/run-spec';

import tf = require('@tensorflow/tfjs-core');

import { type ParameterEntry, parameterView } from '../../parameter-layout.js';
import { elements, type NamedArrays, type ProgramCompiler, type Runner } from '../program-engine.js';
import type { NamedShape, NamedTensors, Program, ProgramResult } from '../programs.js';
import { useBackend } from '../tfjs-runtime.js';
import { namingUnsupportedOps } from '../unsupported-op.js';

/** Runs programs op by op on a TensorFlow.js backend that is registered and has been initialised. */
export function createEagerCompiler(name: EngineName, backend: string): ProgramCompiler {
  return {
    name,
    async compile(program) {
      return eagerRunner(name, backend, program);
    },
    async dispose() {
      // Nothing outlives a run: tensors are made and disposed inside it.
    },
  };
}

function eagerRunner(name: EngineName, backend: string, program: Program): Runner {
  const kept = Object.fromEntries(
    program.outputs.map(([output, shape]) => [output, new Float32Array(elements(shape))]),
  );

  const run = (parameters: Float32Array, inputs: NamedArrays, gradient?: Float32Array): NamedArrays => {
    useBackend(backend);
    const result = namingUnsupportedOps(name, () =>
      tf.tidy(() =>
        container(program.run(parameterTensors(program, parameters), inputTensors(program.inputs, inputs))),
      ),
    );
    try {
      for (const [output] of program.outputs) kept[output]?.set(read(result.outputs[output]));
      if (gradient && result.gradients) readGradients(program.parameters, result.gradients, gradient);
    } finally {
      tf.dispose({ ...result.outputs });
      if (result.gradients) tf.dispose({ ...result.gradients });
    }
    return kept;
  };
  return async (parameters, inputs, gradient) => run(parameters, inputs, gradient);
}

function parameterTensors(program: Program, flat: Float32Array): NamedTensors {
  return Object.fromEntries(
    program.parameters.map((entry) => [entry.name, tf.tensor(parameterView(flat, entry), [...entry.shape])]),
  );
}

function inputTensors(shapes: readonly NamedShape[], inputs: NamedArrays): NamedTensors {
  return Object.fromEntries(
    shapes.map(([name, shape]) => [name, tf.tensor(inputs[name] as Float32Array, [...shape], 'float32')]),
  );
}

/** What tf.tidy must not dispose: a plain container of tensors. */
function container(
  result: ProgramResult,
): { outputs: NamedTensors; gradients?: NamedTensors } & tf.TensorContainerObject {
  return { ...result } as { outputs: NamedTensors; gradients?: NamedTensors } & tf.TensorContainerObject;
}

function readGradients(entries: readonly ParameterEntry[], gradients: NamedTensors, flat: Float32Array): void {
  for (const entry of entries) flat.set(read(gradients[entry.name]), entry.offset);
}

function read(tensor: tf.Tensor | undefined): Float32Array {
  return (tensor as tf.Tensor).dataSync() as Float32Array;
}
