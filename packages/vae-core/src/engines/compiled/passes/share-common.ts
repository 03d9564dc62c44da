import type { Graph, Node, Operation } from '../ir/node.js';
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
  return `${JSON.stringify([operation, inputs, shape, type])}${uniformKey(operation)}`;
}

/** JSON writes -0 as 0, and NaN and both infinities as null. */
function uniformKey(operation: Operation): string {
  if (operation.op !== 'Uniform') return '';
  return Object.is(operation.value, -0) ? '-0' : String(operation.value);
}
