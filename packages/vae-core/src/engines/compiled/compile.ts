import type { Program } from '../programs.js';
import type { Graph } from './ir/node.js';
import { lowerToOnnx } from './onnx/lower.js';
import { encodeModel } from './onnx/schema.js';
import { optimize } from './passes/optimize.js';
import { traceProgram } from './trace/trace.js';

/** The versions of ONNX that our graphs are written in. */
const operatorSet = 18;
const irVersion = 8;

/** A program as an ONNX model: recorded, made cheaper, written down. */
export function compileProgram(program: Program): Uint8Array {
  return encodeGraph(optimize(traceProgram(program)));
}

export function encodeGraph(graph: Graph): Uint8Array {
  return encodeModel(lowerToOnnx(graph), operatorSet, irVersion);
}
