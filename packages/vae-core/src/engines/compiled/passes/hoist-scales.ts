import { makeNode, type Node, type Product, sameShape, uniform, uniformValue } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

/**
 * Multiplies by a number later, where there is less to multiply: c a + c b becomes c (a + b), a sum of c a becomes
 * c times the sum, and a product of c A and B takes c as its own scale.
 */
export const hoistScales: Rewrite = (node) => {
  const { operation } = node;
  switch (operation.op) {
    case 'Add':
    case 'Sub':
      return hoistFromSum(node, operation.op);
    case 'ReduceSum':
    case 'ReduceMean': {
      const [x, factor] = unscaled(node.operands[0] as Node);
      return factor === 1 ? node : times(makeNode(operation, [x], node.shape), factor);
    }
    case 'MatMul':
      return node.operands.length === 2 ? hoistIntoProduct(node, operation) : node;
    default:
      return node;
  }
};

function hoistFromSum(node: Node, op: 'Add' | 'Sub'): Node {
  const [a, factorOfA] = unscaled(node.operands[0] as Node);
  const [b, factorOfB] = unscaled(node.operands[1] as Node);
  if (Math.abs(factorOfA) === 1 || Math.abs(factorOfA) !== Math.abs(factorOfB)) return node;
  const sameSign = factorOfA === factorOfB;
  return times(makeNode({ op: sameSign === (op === 'Add') ? 'Add' : 'Sub' }, [a, b], node.shape), factorOfA);
}

function hoistIntoProduct(node: Node, product: Product): Node {
  const [a, factorOfA] = unscaled(node.operands[0] as Node);
  const [b, factorOfB] = unscaled(node.operands[1] as Node);
  const scale = Math.fround(product.scale * factorOfA * factorOfB);
  return scale === product.scale ? node : makeNode({ ...product, scale }, [a, b], node.shape);
}

function times(node: Node, factor: number): Node {
  return makeNode({ op: 'Mul' }, [node, uniform(factor)], node.shape);
}

/** A node as x and the number that it is multiplied by. */
function unscaled(node: Node): readonly [Node, number] {
  const [a, b] = node.operands as readonly [Node, Node];
  if (node.operation.op === 'Neg') return [a, -1];
  if (node.operation.op !== 'Mul') return [node, 1];
  const [valueOfA, valueOfB] = [uniformValue(a), uniformValue(b)];
  // A product whose scale is 0 would not look at its operands, and a NaN in them would be lost.
  if (valueOfB && sameShape(a.shape, node.shape)) return [a, valueOfB];
  if (valueOfA && sameShape(b.shape, node.shape)) return [b, valueOfA];
  return [node, 1];
}
