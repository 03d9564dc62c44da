import {
  arithmeticOps,
  broadcastShape,
  comparisonOps,
  makeNode,
  type Node,
  type OpName,
  sameShape,
  unaryOps,
} from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

const elementWise: ReadonlySet<OpName> = new Set([...unaryOps, ...arithmeticOps, ...comparisonOps, 'Where', 'ToFloat']);

/**
 * Element-wise ops broadcast by themselves: their operands need not be repeated, or filled with one number, before them.
 * Where all operands were, the op runs on the small ones and its result is repeated.
 */
export const sinkExpansions: Rewrite = (node) => {
  const { operation, type } = node;
  if (operation.op === 'Reshape') return throughReshape(node);
  if (!elementWise.has(operation.op) || !node.operands.some(smaller)) return node;
  const operands = node.operands.map((operand) => smaller(operand) ?? operand);
  const shape = broadcastShape(...operands.map((operand) => operand.shape));
  const small = makeNode(operation, operands, shape, type);
  return sameShape(shape, node.shape) ? small : makeNode({ op: 'Expand' }, [small], node.shape, type);
};

function smaller({ operation, operands, shape, type }: Node): Node | undefined {
  if (operation.op === 'Expand') return operands[0];
  return operation.op === 'Uniform' && shape.length > 0 ? makeNode(operation, [], [], type) : undefined;
}

/** A single number stays a single number: [] to [1, 1] and then to [batch, latentDim] is one repetition. */
function throughReshape(node: Node): Node {
  const [x] = node.operands as [Node];
  return x.shape.length === 0 ? makeNode({ op: 'Expand' }, [x], node.shape, node.type) : node;
}
