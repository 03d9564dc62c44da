import { type ArithmeticOp, broadcastShape, makeNode } from '../ir/node.js';
import type { Kernel, KernelTable } from './kernel.js';

const binary =
  (op: ArithmeticOp): Kernel =>
  ({ node }) =>
    makeNode({ op }, [node('a'), node('b')], broadcastShape(node('a').shape, node('b').shape));

/** Arithmetic of two tensors, element by element, broadcasting. */
export const binaryKernels: KernelTable = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
};
