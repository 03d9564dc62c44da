import { type Graph, makeNode, type Node, type UnaryOp } from '../ir/node.js';
import { countUses, rewriteGraph } from '../ir/walk.js';

type Sign = 1 | -1;
interface Term {
  readonly node: Node;
  readonly sign: Sign;
}

/** How many factors are multiplied before a logarithm is taken: any up to 126 are safe, about 16 are fastest. */
const fewestFactors = 4;
const mostFactors = 32;

/**
 * Sums of softplus take one logarithm for many elements: softplus(x) = relu(x) - ln q with q = sigmoid(|x|), and
 * sum ln q_i = ln prod q_i. Each q is in [1/2, 1], so that a product of 32 of them is no smaller than 2^-32.
 * Sums along the last axis whose length has a fitting divisor; others are left as they are.
 */
export function sumSoftplus(graph: Graph): Graph {
  const uses = countUses(graph);
  return rewriteGraph(graph, (node, original) => {
    const { operation } = node;
    if (operation.op !== 'ReduceSum') return node;
    const [summed, before] = [node.operands[0] as Node, original.operands[0] as Node];
    const last = summed.shape.length - 1;
    const factors = factorsFor(summed.shape[last] as number);
    if (operation.axes.length !== 1 || operation.axes[0] !== last || factors === undefined) return node;
    const terms = termsOf(summed, before, uses, 1);
    const softplus = terms.filter((term) => term.node.operation.op === 'Softplus');
    if (softplus.length === 0) return node;

    const sumOf = (x: Node): Node => makeNode(operation, [x], node.shape);
    const rest = terms.map((term) =>
      softplus.includes(term) ? { ...term, node: unary('Relu', argument(term)) } : term,
    );
    return softplus.reduce(
      (sum, term) => add(sum, logOfProducts(argument(term), factors, sumOf), term.sign === 1 ? -1 : 1),
      sumOf(joined(rest)),
    );
  });
}

/** sum ln sigmoid(|x|) along the last axis, by products of `factors` elements. */
function logOfProducts(x: Node, factors: number, sumOf: (x: Node) => Node): Node {
  const q = unary('Sigmoid', unary('Abs', x));
  const outer = x.shape.slice(0, -1);
  const groups = (x.shape.at(-1) as number) / factors;
  const grouped = makeNode({ op: 'Reshape' }, [q], [...outer, groups, factors]);
  const product = makeNode(
    { op: 'ReduceProd', axes: [x.shape.length], keepDims: false },
    [grouped],
    [...outer, groups],
  );
  return sumOf(unary('Log', product));
}

/** The divisor of `length` that is nearest to 16 in proportion. */
function factorsFor(length: number): number | undefined {
  let best: number | undefined;
  for (let factors = fewestFactors; factors <= mostFactors; factors++) {
    const nearer = best === undefined || Math.abs(Math.log2(factors / 16)) < Math.abs(Math.log2(best / 16));
    if (length % factors === 0 && nearer) best = factors;
  }
  return best;
}

/** A tree of additions and subtractions as its terms. Nodes that are used elsewhere too are not taken apart. */
function termsOf(node: Node, original: Node, uses: ReadonlyMap<Node, number>, sign: Sign): Term[] {
  const { op } = node.operation;
  const sameSize = node.operands.every((operand) => operand.shape.length === node.shape.length);
  if ((op !== 'Add' && op !== 'Sub') || uses.get(original) !== 1 || !sameSize) return [{ node, sign }];
  return node.operands.flatMap((operand, i) => {
    const flipped = op === 'Sub' && i === 1;
    return termsOf(operand, original.operands[i] as Node, uses, flipped ? (-sign as Sign) : sign);
  });
}

function joined(terms: readonly Term[]): Node {
  const positiveFirst = terms.toSorted((a, b) => b.sign - a.sign);
  const [first, ...others] = positiveFirst as [Term, ...Term[]];
  const start = first.sign === 1 ? first.node : makeNode({ op: 'Neg' }, [first.node], first.node.shape);
  return others.reduce((sum, { node, sign }) => add(sum, node, sign), start);
}

function add(a: Node, b: Node, sign: Sign): Node {
  return makeNode({ op: sign === 1 ? 'Add' : 'Sub' }, [a, b], a.shape);
}

function argument({ node }: Term): Node {
  return node.operands[0] as Node;
}

function unary(op: UnaryOp, x: Node): Node {
  return makeNode({ op }, [x], x.shape);
}
