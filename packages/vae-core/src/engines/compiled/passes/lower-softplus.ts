import { makeNode, type UnaryOp } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

/**
 * softplus(x) = ln(1 + e^x) as relu(x) - ln(sigmoid(|x|)): as stable, and made of ops that onnxruntime computes several
 * numbers at a time, which its own Softplus does not.
 */
export const lowerSoftplus: Rewrite = (node) => {
  if (node.operation.op !== 'Softplus') return node;
  const [x] = node.operands;
  const unary = (op: UnaryOp, operand = x) => makeNode({ op }, [operand as typeof node], node.shape);
  const correction = unary('Log', unary('Sigmoid', unary('Abs')));
  return makeNode({ op: 'Sub' }, [unary('Relu'), correction], node.shape);
};
