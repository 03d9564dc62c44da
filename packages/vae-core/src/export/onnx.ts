import { type Graph, makeNode } from '../engines/compiled/ir/node.js';
import { type Rewrite, rewriteGraph } from '../engines/compiled/ir/walk.js';
import { lowerToOnnx } from '../engines/compiled/onnx/lower.js';
import { dataTypes, encodeModel, type OnnxTensor } from '../engines/compiled/onnx/schema.js';
import { fuseProducts } from '../engines/compiled/passes/fuse-products.js';
import type { Model } from '../models/model.js';
import { type ParameterEntry, parameterView } from '../parameter-layout.js';
import {
  type DynamicShape,
  exportedName,
  lowerNetwork,
  type NetworkName,
  requireParameters,
} from './record-network.js';

/** ONNX 1.13 of 2022: every runtime since reads it. */
const operatorSet = 18;
const irVersion = 8;

/**
 * A network as an ONNX model of standard ops, with any batch size and the parameters as its initializers.
 * @param parameters Flat, by the model's layout.
 * @param metadata The model's metadata_props: what a reader should know of where it comes from.
 * @throws ExportError
 */
export function exportOnnx(
  model: Model,
  parameters: Float32Array,
  network: NetworkName,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  requireParameters('onnx', model, parameters);
  const lowered = lowerNetwork('onnx', model, network, (graph) => {
    const { node, initializer } = lowerToOnnx(withBiasInProducts(graph));
    return { node, initializer };
  });
  const { node, initializer } = lowered.body;
  const graph = {
    name: network,
    node: node.map((each) => ({ ...each, input: each.input.map(exportedName) })),
    initializer: [...lowered.parameters.map((entry) => tensorOf(parameters, entry)), ...initializer],
    input: lowered.inputs.map(valueInfo),
    output: lowered.outputs.map(valueInfo),
  };
  return encodeModel(graph, operatorSet, irVersion, metadata);
}

/** Gemm takes the bias; an activation within a product is onnxruntime's own op, and no standard one. */
function withBiasInProducts(graph: Graph): Graph {
  return rewriteGraph(fuseProducts(graph), withoutFusedActivation);
}

const withoutFusedActivation: Rewrite = (node) => {
  if (node.operation.op !== 'MatMul' || node.operation.activation === undefined) return node;
  const { activation, ...product } = node.operation;
  return makeNode({ op: activation }, [makeNode(product, node.operands, node.shape)], node.shape);
};

function tensorOf(parameters: Float32Array, entry: ParameterEntry): OnnxTensor {
  const values = parameterView(parameters, entry).slice();
  const rawData = new Uint8Array(values.buffer);
  return { name: entry.name, dims: entry.shape, dataType: dataTypes.float32, rawData };
}

function valueInfo([name, shape]: readonly [string, DynamicShape]) {
  return { name, dataType: dataTypes.float32, shape: shape.map((size) => size ?? 'batch') };
}
