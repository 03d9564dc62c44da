import type { Graph } from '../ir/node.js';
import { inOrder, type Rewrite, rewriteGraph } from '../ir/walk.js';
import { foldUniform } from './fold-uniform.js';
import { fuseProducts } from './fuse-products.js';
import { hoistScales } from './hoist-scales.js';
import { lowerSoftplus } from './lower-softplus.js';
import { orientProducts } from './orient-products.js';
import { shareCommon } from './share-common.js';
import { simplifyArithmetic } from './simplify-arithmetic.js';
import { simplifyShapes } from './simplify-shapes.js';
import { sinkExpansions } from './sink-expansions.js';
import { sumSoftplus } from './sum-softplus.js';

export type Pass = (graph: Graph) => Graph;

const everywhere =
  (rewrite: Rewrite): Pass =>
  (graph) =>
    rewriteGraph(graph, rewrite);

/** They make room for each other: run again and again until nothing changes. */
const simplifications: Readonly<Record<string, Pass>> = {
  foldUniform: everywhere(foldUniform),
  simplifyArithmetic: everywhere(simplifyArithmetic),
  simplifyShapes: everywhere(simplifyShapes),
  sinkExpansions: everywhere(sinkExpansions),
  hoistScales: everywhere(hoistScales),
  shareCommon,
};

/** They choose the ops that onnxruntime is quick at: run once, in this order. */
const lowerings: Readonly<Record<string, Pass>> = {
  sumSoftplus,
  lowerSoftplus: everywhere(lowerSoftplus),
  fuseProducts,
  orientProducts: everywhere(orientProducts),
};

/** All passes by name. Each keeps the values that the graph computes, up to rounding. */
export const passes: Readonly<Record<string, Pass>> = { ...simplifications, ...lowerings };

const mostRounds = 20;

/** The graph, computing the same with less. What no output needs any more is gone by itself. */
export function optimize(graph: Graph): Graph {
  return simplified(Object.values(lowerings).reduce((current, pass) => pass(current), simplified(graph)));
}

function simplified(graph: Graph): Graph {
  let current = graph;
  for (let round = 0; round < mostRounds; round++) {
    const before = describe(current);
    current = Object.values(simplifications).reduce((next, pass) => pass(next), current);
    if (describe(current) === before) break;
  }
  return current;
}

/** Equal for equal graphs. */
function describe(graph: Graph): string {
  const nodes = inOrder(graph);
  const ids = new Map(nodes.map((node, i) => [node, i]));
  return JSON.stringify(
    nodes.map(({ operation, operands, shape }) => [operation, operands.map((operand) => ids.get(operand)), shape]),
  );
}
