import * as tf from '@tensorflow/tfjs-core';
import type { NamedTensors, Program } from '../../programs.js';
import { useBackend } from '../../tfjs-runtime.js';
import { namingUnsupportedOps } from '../../unsupported-op.js';
import { type Graph, makeNode } from '../ir/node.js';
import type { KernelTable } from './kernel.js';
import { binaryKernels } from './kernels/binary.js';
import { compareKernels } from './kernels/compare.js';
import { matmulKernels } from './kernels/matmul.js';
import { movementKernels } from './kernels/movement.js';
import { reduceKernels } from './kernels/reduce.js';
import { unaryKernels } from './kernels/unary.js';
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

let registered: TraceBackend | undefined;

/**
 * Runs a program once on tensors without values, and gives what it did as a graph.
 * @throws UnsupportedOpError naming an op that has no kernel or no gradient here
 * @throws DataDependentControlFlowError where the program reads a tensor
 */
export function traceProgram(program: Program): Graph {
  const backend = traceBackend();
  const previous = tf.getBackend();
  useBackend(traceBackendName);
  try {
    const result = namingUnsupportedOps('compiled', () =>
      tf.tidy(() => {
        const input = (name: string, shape: readonly number[]): tf.Tensor => {
          const node = makeNode({ op: 'Input', name }, [], shape);
          return tf.engine().makeTensorFromTensorInfo(backend.tensorOf(node), backend);
        };
        const parameters = program.parameters.map(({ name, shape }) => [name, input(parameterName(name), shape)]);
        const inputs = program.inputs.map(([name, shape]) => [name, input(name, shape)]);
        const { outputs, gradients } = program.run(Object.fromEntries(parameters), Object.fromEntries(inputs));
        return { outputs: { ...outputs }, gradients: { ...gradients } };
      }),
    );
    const named = (tensors: NamedTensors, rename: (name: string) => string) =>
      Object.entries(tensors).map(([name, tensor]) => [rename(name), backend.nodeOf(tensor)] as const);
    const graph = { outputs: [...named(result.outputs, (name) => name), ...named(result.gradients, gradientName)] };
    tf.dispose(result);
    return graph;
  } finally {
    if (previous) useBackend(previous);
  }
}

function traceBackend(): TraceBackend {
  if (registered) return registered;
  const backend = new TraceBackend();
  tf.registerBackend(traceBackendName, () => backend, 0);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: traceBackendName,
      kernelFunc: ({ inputs, attrs }) =>
        backend.tensorOf(
          kernel({
            node: (name) => backend.nodeOf(inputs[name] as tf.TensorInfo),
            attributes: (attrs ?? {}) as Record<string, unknown>,
          }),
        ),
    });
  }
  registered = backend;
  return backend;
}
