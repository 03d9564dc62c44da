import type { Graph, Node, OpName } from '../engines/compiled/ir/node.js';
import { inOrder } from '../engines/compiled/ir/walk.js';
import type { Model } from '../models/model.js';
import { type ParameterEntry, parameterView } from '../parameter-layout.js';
import { ExportError } from './errors.js';
import {
  type DynamicShape,
  exportedName,
  type LoweredNetwork,
  lowerNetwork,
  type NetworkName,
  requireParameters,
} from './record-network.js';

/** The two files of a graph model; `weightsName` is what model.json calls the second. */
export interface TfjsModel {
  readonly modelJson: string;
  readonly weightsName: string;
  /** float32, little-endian, one parameter behind the other. */
  readonly weights: Uint8Array;
}

interface TensorFlowNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, object>>;
}

/** TensorFlow's names of the element-wise ops. */
const elementWise: Partial<Record<OpName, string>> = {
  Neg: 'Neg',
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Abs: 'Abs',
  Relu: 'Relu',
  Sigmoid: 'Sigmoid',
  Tanh: 'Tanh',
  Elu: 'Elu',
  Softplus: 'Softplus',
  Add: 'AddV2',
  Sub: 'Sub',
  Mul: 'Mul',
  Div: 'RealDiv',
  Max: 'Maximum',
  Min: 'Minimum',
};

const float = { type: 'DT_FLOAT' };
const weightsName = 'weights.bin';

/**
 * A network in TensorFlow.js's graph model format, for any batch size: tf.loadGraphModel reads it, and its predict()
 * gives the outputs by name.
 * @param parameters Flat, by the model's layout.
 * @param metadata Goes into model.json as userDefinedMetadata.
 * @throws ExportError
 */
export function exportTfjs(
  model: Model,
  parameters: Float32Array,
  network: NetworkName,
  metadata: Readonly<Record<string, string>> = {},
): TfjsModel {
  requireParameters('tfjs', model, parameters);
  const lowered = lowerNetwork('tfjs', model, network, lowerToTensorFlow);
  const placeholders = lowered.inputs.map(([name, shape]) => placeholder(name, shape));
  const constants = lowered.parameters.map(constant);
  const modelJson = {
    format: 'graph-model',
    generatedBy: 'elbo',
    convertedBy: null,
    signature: signatureOf(lowered),
    userDefinedMetadata: { ...metadata, structuredOutputKeys: lowered.outputs.map(([name]) => name) },
    modelTopology: {
      node: [...placeholders, ...constants, ...lowered.body],
      library: {},
      versions: { producer: 1, minConsumer: 1 },
    },
    weightsManifest: [
      {
        paths: [weightsName],
        weights: lowered.parameters.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  };
  const weights = Buffer.concat(
    lowered.parameters.map((entry) => new Uint8Array(parameterView(parameters, entry).slice().buffer)),
  );
  return { modelJson: JSON.stringify(modelJson), weightsName, weights };
}

/** The nodes that compute; inputs and parameters are the caller's. */
function lowerToTensorFlow(graph: Graph): TensorFlowNode[] {
  const outputNames = new Map(graph.outputs.map(([name, node]) => [node, name]));
  const names = new Map<Node, string>();
  const nodes: TensorFlowNode[] = [];
  for (const node of inOrder(graph)) {
    if (node.operation.op === 'Input') {
      names.set(node, exportedName(node.operation.name));
      continue;
    }
    const name = outputNames.get(node) ?? `${node.operation.op}_${nodes.length}`;
    names.set(node, name);
    const input = node.operands.map((operand) => names.get(operand) as string);
    nodes.push({ name, input, ...opOf(node) });
  }
  return nodes;
}

function opOf({ operation, operands }: Node): Pick<TensorFlowNode, 'op' | 'attr'> {
  if (operation.op === 'MatMul' && operation.scale === 1 && operands.length === 2) {
    const { transposeA, transposeB } = operation;
    return { op: 'MatMul', attr: { T: float, transpose_a: { b: transposeA }, transpose_b: { b: transposeB } } };
  }
  const op = elementWise[operation.op];
  if (!op) throw new ExportError('UNSUPPORTED_OP', 'tfjs', `it uses the op ${operation.op}: add it to export/tfjs.ts`);
  return { op, attr: { T: float } };
}

function placeholder(name: string, shape: DynamicShape): TensorFlowNode {
  return { name, op: 'Placeholder', input: [], attr: { dtype: float, shape: { shape: tensorShape(shape) } } };
}

/** Its values are in the weights file. */
function constant({ name, shape }: ParameterEntry): TensorFlowNode {
  const tensor = { dtype: 'DT_FLOAT', tensorShape: tensorShape(shape) };
  return { name, op: 'Const', input: [], attr: { dtype: float, value: { tensor } } };
}

function signatureOf({ inputs, outputs }: LoweredNetwork<unknown>): object {
  const entries = (values: LoweredNetwork<unknown>['inputs']) =>
    Object.fromEntries(
      values.map(([name, shape]) => [name, { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: tensorShape(shape) }]),
    );
  return { inputs: entries(inputs), outputs: entries(outputs) };
}

/** Sizes are 64-bit whole numbers, which JSON of protocol buffers writes as text. */
function tensorShape(shape: DynamicShape): object {
  return { dim: shape.map((size) => ({ size: String(size ?? -1) })) };
}
