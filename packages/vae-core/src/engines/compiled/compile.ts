import type { Program } from '../programs.js';
import type { Graph } from './ir/node.js';
import { lowerToOnnx } from './onnx/lower.js';
import { encodeModel, type OnnxGraph } from './onnx/schema.js';
import { optimize } from './passes/optimize.js';
import { traceProgram } from './trace/trace.js';

/** The versions of ONNX that our graphs are written in. */
const operatorSet = 18;
const irVersion = 8;

/** A program as an ONNX model: recorded, made cheaper, written down. @param change The last, of the graph as written. */
export function compileProgram(program: Program, change?: (graph: OnnxGraph) => OnnxGraph): Uint8Array {
  return encodeGraph(optimize(traceProgram(program)), change);
}

export function encodeGraph(graph: Graph, change: (graph: OnnxGraph) => OnnxGraph = (same) => same): Uint8Array {
  return encodeOnnx(change(lowerToOnnx(graph)));
}

export function encodeOnnx(graph: OnnxGraph): Uint8Array {
  return encodeModel(graph, operatorSet, irVersion);
}
