import { broadcastShape, type ComparisonOp, makeNode } from '../ir/node.js';
import type { Kernel, KernelTable } from './kernel.js';

const comparison =
  (op: ComparisonOp): Kernel =>
  ({ node }) =>
    makeNode({ op }, [node('a'), node('b')], broadcastShape(node('a').shape, node('b').shape), 'bool');

/** Comparisons, and the choice by their result. */
export const compareKernels: KernelTable = {
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  Equal: comparison('Equal'),
  Select: ({ node }) => {
    const operands = [node('condition'), node('t'), node('e')];
    return makeNode({ op: 'Where' }, operands, broadcastShape(...operands.map(({ shape }) => shape)));
  },
};
