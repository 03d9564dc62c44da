import { type Node, type OpName, uniform, uniformValue } from '../ir/node.js';
import type { Rewrite } from '../ir/walk.js';

/** Ops that leave every element of a uniform tensor as it is. */
const moving: ReadonlySet<OpName> = new Set([
  'Reshape',
  'Expand',
  'Tile',
  'Transpose',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
]);

type NumberFunction = (...values: number[]) => number;

const onNumbers: Partial<Record<OpName, NumberFunction>> = {
  Neg: (x) => -(x as number),
  Exp: (x) => Math.exp(x as number),
  Log: (x) => Math.log(x as number),
  Sqrt: (x) => Math.sqrt(x as number),
  Abs: (x) => Math.abs(x as number),
  Add: (a, b) => (a as number) + (b as number),
  Sub: (a, b) => (a as number) - (b as number),
  Mul: (a, b) => (a as number) * (b as number),
  Div: (a, b) => (a as number) / (b as number),
  Max: Math.max,
  Min: Math.min,
};

/** Computes ops of uniform tensors now: their result is uniform too. */
export const foldUniform: Rewrite = (node) => {
  const values = node.operands.map(uniformValue);
  if (values.length === 0 || !values.every((value) => value !== undefined)) return node;
  const { operation, shape } = node;
  if (moving.has(operation.op)) return uniform(values[0] as number, shape);
  if (operation.op === 'ReduceSum') return uniform(Math.fround((values[0] as number) * reducedCount(node)), shape);
  const compute = onNumbers[operation.op];
  return compute ? uniform(Math.fround(compute(...values)), shape) : node;
};

function reducedCount({ operation, operands }: Node): number {
  const { shape } = operands[0] as Node;
  const axes = operation.op === 'ReduceSum' ? operation.axes : [];
  return axes.reduce((product, axis) => product * (shape[axis] as number), 1);
}
