import type { Graph, Node } from '../ir/node.js';
import { rewriteGraph } from '../ir/walk.js';

/** Computes once what several places compute: the value and the gradient both want sigmoid(logits). */
export function shareCommon(graph: Graph): Graph {
  const known = new Map<string, Node>();
  const ids = new Map<Node, number>();
  return rewriteGraph(graph, (node) => {
    const key = keyOf(node, ids);
    const shared = key === undefined ? node : (known.get(key) ?? node);
    if (!ids.has(shared)) ids.set(shared, ids.size);
    if (key !== undefined) known.set(key, shared);
    return shared;
  });
}

const commutative: ReadonlySet<string> = new Set(['Add', 'Mul', 'Max', 'Min']);

function keyOf({ operation, operands, shape, type }: Node, ids: ReadonlyMap<Node, number>): string | undefined {
  // Two constants are one only if they are the same node: comparing their values would cost more than it gives.
  if (operation.op === 'Constant') return undefined;
  const inputs = operands.map((operand) => ids.get(operand) as number);
  if (commutative.has(operation.op)) inputs.sort((a, b) => a - b);
  const zeroSign = operation.op === 'Uniform' && Object.is(operation.value, -0) ? '-' : '';
  return `${JSON.stringify([operation, inputs, shape, type])}${zeroSign}`;
}
