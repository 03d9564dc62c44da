import type { Graph, Node } from './node.js';

/** The graph's nodes, each after its operands; unreachable ones do not occur. */
export function inOrder(graph: Graph): Node[] {
  const ordered: Node[] = [];
  const seen = new Set<Node>();
  // A stack of its own: a program's graph may be deeper than the call stack.
  const stack = graph.outputs.map(([, node]) => node).reverse();
  while (stack.length > 0) {
    const node = stack.at(-1) as Node;
    if (seen.has(node)) {
      stack.pop();
      continue;
    }
    const waiting = node.operands.filter((operand) => !seen.has(operand));
    if (waiting.length > 0) {
      stack.push(...waiting.reverse());
      continue;
    }
    seen.add(node);
    ordered.push(node);
    stack.pop();
  }
  return ordered;
}

/** How many operands and outputs each node serves. */
export function countUses(graph: Graph): Map<Node, number> {
  const uses = new Map<Node, number>();
  const use = (node: Node): void => void uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of inOrder(graph)) node.operands.forEach(use);
  for (const [, node] of graph.outputs) use(node);
  return uses;
}

/**
 * Gives a node in the place of another one; the node itself to leave it. Its operands have been rewritten before;
 * `original` is the node as it was.
 */
export type Rewrite = (node: Node, original: Node) => Node;

/** Rebuilds a graph bottom-up through `rewrite`. */
export function rewriteGraph(graph: Graph, rewrite: Rewrite): Graph {
  const replaced = new Map<Node, Node>();
  const replacement = (node: Node): Node => replaced.get(node) as Node;
  for (const node of inOrder(graph)) {
    const operands = node.operands.map(replacement);
    const unchanged = operands.every((operand, i) => operand === node.operands[i]);
    replaced.set(node, rewrite(unchanged ? node : { ...node, operands }, node));
  }
  return { outputs: graph.outputs.map(([name, node]) => [name, replacement(node)] as const) };
}
