import {
  type FusedActivation,
  fusedActivations,
  type Graph,
  makeNode,
  type Node,
  type Product,
  sameShape,
} from '../ir/node.js';
import { countUses, rewriteGraph } from '../ir/walk.js';

/**
 * A bias, or another product, that is added to a product becomes its third operand, and an activation of the result a
 * part of it: each saves a pass over the result.
 */
export function fuseProducts(graph: Graph): Graph {
  const uses = countUses(graph);
  return rewriteGraph(graph, (node, original) => {
    const products = node.operands.map((operand, i) =>
      uses.get(original.operands[i] as Node) === 1 ? productOf(operand) : undefined,
    );
    const { op } = node.operation;
    const [product] = products;
    if (product && isFusedActivation(op)) {
      return makeNode({ ...product, activation: op }, (node.operands[0] as Node).operands, node.shape);
    }
    return op === 'Add' ? withAddend(node, products) : node;
  });
}

function withAddend(node: Node, products: readonly (Product | undefined)[]): Node {
  for (const [i, product] of products.entries()) {
    const [factors, addend] = [(node.operands[i] as Node).operands, node.operands[1 - i] as Node];
    // A product's third operand is broadcast to the product, never the product to it.
    if (product && factors.length === 2 && sameShape((node.operands[i] as Node).shape, node.shape)) {
      return makeNode(product, [...factors, addend], node.shape);
    }
  }
  return node;
}

/** A product that has no activation yet. */
function productOf({ operation }: Node): Product | undefined {
  return operation.op === 'MatMul' && operation.activation === undefined ? operation : undefined;
}

function isFusedActivation(op: string): op is FusedActivation {
  return (fusedActivations as readonly string[]).includes(op);
}
