import { makeNode, type Node, type Product } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

/** Below so many multiplications, nothing is worth another op. */
const smallProduct = 1 << 18;

/**
 * onnxruntime transposes the left operand of A^T B again for every block of columns. Weight gradients are such products:
 * transposing A once before, or computing B^T A and transposing the result where B is the narrower, takes 10 to 40 % less.
 */
export const orientProducts: Rewrite = (node) => {
  const { operation, operands } = node;
  if (operation.op !== 'MatMul' || !operation.transposeA || operation.transposeB || operands.length > 2) return node;
  const [a, b] = operands as readonly [Node, Node];
  const [shared, rows] = a.shape as readonly [number, number];
  const columns = b.shape[1] as number;
  if (shared * rows * columns < smallProduct) return node;
  if (columns * 4 <= rows) {
    return transposed(makeNode({ ...plain(operation), transposeA: true }, [b, a], [columns, rows]));
  }
  return makeNode(plain(operation), [transposed(a), b], node.shape);
};

function plain(product: Product): Product {
  return { ...product, transposeA: false, transposeB: false };
}

function transposed(node: Node): Node {
  return makeNode({ op: 'Transpose', permutation: [1, 0] }, [node], [node.shape[1] as number, node.shape[0] as number]);
}
