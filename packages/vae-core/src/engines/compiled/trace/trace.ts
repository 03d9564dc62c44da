import tf = require('@tensorflow/tfjs-core');

import { DataDependentControlFlowError } from '../../errors.js';
import type { NamedTensors, Program } from '../../programs.js';
import { useBackend } from '../../tfjs-runtime.js';
import { namingUnsupportedOps } from '../../unsupported-op.js';
import { type Graph, makeNode, type Node } from '../ir/node.js';
import { binaryKernels } from '../kernels/binary.js';
import { compareKernels } from '../kernels/compare.js';
import type { KernelTable } from '../kernels/kernel.js';
import { matmulKernels } from '../kernels/matmul.js';
import { movementKernels } from '../kernels/movement.js';
import { reduceKernels } from '../kernels/reduce.js';
import { unaryKernels } from '../kernels/unary.js';
import { TraceBackend, traceBackendName } from './trace-backend.js';

/** What the graph calls a parameter, and the gradient with respect to it. */
export const parameterName = (name: string): string => `parameter/${name}`;
export const gradientName = (name: string): string => `gradient/${name}`;

const kernels: KernelTable = {
  ...unaryKernels,
  ...binaryKernels,
  ...compareKernels,
  ...reduceKernels,
  ...matmulKernels,
  ...movementKernels,
};

/**
 * Runs a program once on tensors without values, and gives what it did as a graph.
 * @throws UnsupportedOpError naming an op that has no kernel or no gradient here
 * @throws DataDependentControlFlowError where the program reads a tensor
 */
export function traceProgram(program: Program): Graph {
  registerKernels();
  const backend = new TraceBackend();
  const previous = tf.getBackend();
  tf.registerBackend(traceBackendName, () => backend, 0);
  useBackend(traceBackendName);
  try {
    const graph = namingUnsupportedOps('compiled', () => record(program, backend));
    if (backend.wasRead) throw new DataDependentControlFlowError('compiled');
    return graph;
  } finally {
    if (previous) useBackend(previous);
    // Nobody else should find it in the list of backends, or as the current one.
    tf.removeBackend(traceBackendName);
  }
}

function record(program: Program, backend: TraceBackend): Graph {
  const input = (name: string, shape: readonly number[]): tf.Tensor =>
    tf.engine().makeTensorFromTensorInfo(backend.tensorOf(makeNode({ op: 'Input', name }, [], shape)), backend);
  const named = (tensors: NamedTensors, rename: (name: string) => string) =>
    Object.entries(tensors).map(([name, tensor]) => [rename(name), backend.nodeOf(tensor)] as const);

  const result = tf.tidy(() => {
    const parameters = program.parameters.map(({ name, shape }) => [name, input(parameterName(name), shape)]);
    const inputs = program.inputs.map(([name, shape]) => [name, input(name, shape)]);
    const { outputs, gradients } = program.run(Object.fromEntries(parameters), Object.fromEntries(inputs));
    return { outputs: { ...outputs }, gradients: { ...gradients } };
  });
  try {
    return { outputs: [...named(result.outputs, (name) => name), ...named(result.gradients, gradientName)] };
  } finally {
    tf.dispose(result);
  }
}

let registered = false;

/** Once a thread: kernels stay registered under the backend's name. */
function registerKernels(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: traceBackendName,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const recorder = backend as TraceBackend;
        const node = (name: string): Node => recorder.nodeOf(inputs[name] as tf.TensorInfo);
        return recorder.tensorOf(kernel({ node, attributes: (attrs ?? {}) as Record<string, unknown> }));
      },
    });
  }
}
