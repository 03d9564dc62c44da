import { arithmeticOps, makeNode, type Node, type OpName, sameShape, unaryOps } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

const elementWise: ReadonlySet<OpName> = new Set([...unaryOps, ...arithmeticOps]);

/**
 * Removes reshapes that change nothing and sums over axes of size 1, and moves reshapes behind element-wise ops where
 * that drops a leading axis of size 1, so that they meet and cancel: with one Monte-Carlo sample nothing of [1, batch,
 * latentDim] is left.
 */
export const simplifyShapes: Rewrite = (node) => {
  switch (node.operation.op) {
    case 'Reshape':
      return reshape(node.operands[0] as Node, node.shape);
    case 'ReduceSum':
    case 'ReduceMean': {
      const { shape } = node.operands[0] as Node;
      return node.operation.axes.every((axis) => shape[axis] === 1)
        ? reshape(node.operands[0] as Node, node.shape)
        : node;
    }
    default:
      return elementWise.has(node.operation.op) && node.shape[0] === 1 && node.shape.some((size) => size > 1)
        ? withoutLeadingOne(node)
        : node;
  }
};

function withoutLeadingOne(node: Node): Node {
  const rank = node.shape.length;
  const operands = node.operands.map((operand) =>
    operand.shape.length === rank ? reshape(operand, operand.shape.slice(1)) : operand,
  );
  return reshape(makeNode(node.operation, operands, node.shape.slice(1), node.type), node.shape);
}

function reshape(node: Node, shape: readonly number[]): Node {
  if (sameShape(node.shape, shape)) return node;
  const source = node.operation.op === 'Reshape' ? (node.operands[0] as Node) : node;
  return sameShape(source.shape, shape) ? source : makeNode({ op: 'Reshape' }, [source], shape, source.type);
}
