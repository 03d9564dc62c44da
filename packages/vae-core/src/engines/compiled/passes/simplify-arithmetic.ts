import { makeNode, type Node, sameShape, uniform, uniformValue } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

/**
 * Drops arithmetic that changes nothing (x * 1, x + 0, -(-x)), joins factors ((x * a) * b), and turns additions of
 * negatives into subtractions. 0 * x stays: it is NaN where x is, and a NaN must come through.
 */
export const simplifyArithmetic: Rewrite = (node) => {
  const { operation, operands } = node;
  const [a, b] = operands as readonly [Node, Node];
  switch (operation.op) {
    case 'Neg':
      return scaled(a, -1) ?? node;
    case 'Mul':
      return simplifyProduct(node, a, b) ?? simplifyProduct(node, b, a) ?? node;
    case 'Div':
      return uniformValue(b) === 1 ? expanded(a, node) : node;
    case 'Add':
      return simplifySum(node, a, b) ?? simplifySum(node, b, a) ?? node;
    case 'Sub':
      return simplifyDifference(node, a, b);
    default:
      return node;
  }
};

function simplifyProduct(node: Node, a: Node, factor: Node): Node | undefined {
  const value = uniformValue(factor);
  if (value === undefined) return undefined;
  if (value === 1) return expanded(a, node);
  const joined = value === -1 ? negative(a) : scaled(a, value);
  return joined && expanded(joined, node);
}

function simplifySum(node: Node, a: Node, b: Node): Node | undefined {
  if (uniformValue(b) === 0) return expanded(a, node);
  const positive = unnegated(b);
  return positive && makeNode({ op: 'Sub' }, [a, positive], node.shape);
}

function simplifyDifference(node: Node, a: Node, b: Node): Node {
  if (uniformValue(b) === 0) return expanded(a, node);
  if (uniformValue(a) === 0) return expanded(negative(b), node);
  const positive = unnegated(b);
  return positive ? makeNode({ op: 'Add' }, [a, positive], node.shape) : node;
}

function negative(node: Node): Node {
  return scaled(node, -1) ?? makeNode({ op: 'Neg' }, [node], node.shape);
}

/** The node times `factor`, where that needs no op more than the node itself. */
function scaled(node: Node, factor: number): Node | undefined {
  const { operation, operands, shape } = node;
  const [a, b] = operands as readonly [Node, Node];
  if (operation.op === 'Neg') return factor === -1 ? a : makeNode({ op: 'Mul' }, [a, uniform(-factor)], shape);
  if (operation.op === 'Sub' && factor === -1) return makeNode({ op: 'Sub' }, [b, a], shape);
  if (operation.op !== 'Mul') return undefined;
  for (const [kept, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const value = uniformValue(other);
    if (value === undefined || !sameShape(kept.shape, shape)) continue;
    return makeNode({ op: 'Mul' }, [kept, uniform(Math.fround(value * factor))], shape);
  }
  return undefined;
}

/** x where the node is -x. */
function unnegated(node: Node): Node | undefined {
  return node.operation.op === 'Neg' ? node.operands[0] : undefined;
}

/** The node in the shape that `result` has: an operand may have been smaller than the result. */
function expanded(node: Node, result: Node): Node {
  return sameShape(node.shape, result.shape) ? node : makeNode({ op: 'Expand' }, [node], result.shape);
}
