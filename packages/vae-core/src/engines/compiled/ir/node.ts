/** Element types of the graph. Whole numbers and truth values of TensorFlow.js are carried as float32 once cast. */
export type ElementType = 'float32' | 'bool';

export const unaryOps = [
  'Neg',
  'Exp',
  'Log',
  'Sqrt',
  'Abs',
  'Relu',
  'Sigmoid',
  'Tanh',
  'Elu',
  'Softplus',
  'Step',
] as const;
export const arithmeticOps = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'] as const;
export const comparisonOps = ['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal'] as const;
export const reductionOps = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'] as const;

export type UnaryOp = (typeof unaryOps)[number];
export type ArithmeticOp = (typeof arithmeticOps)[number];
export type ComparisonOp = (typeof comparisonOps)[number];
export type ReductionOp = (typeof reductionOps)[number];

/** What a node computes, apart from its operands, its shape and its element type. */
export type Operation =
  | { readonly op: 'Input'; readonly name: string }
  /** Every element is `value`. */
  | { readonly op: 'Uniform'; readonly value: number }
  | { readonly op: 'Constant'; readonly values: Float32Array }
  | { readonly op: UnaryOp }
  | { readonly op: ArithmeticOp | ComparisonOp }
  /** condition, then, otherwise. */
  | { readonly op: 'Where' }
  /** bool to float32. */
  | { readonly op: 'ToFloat' }
  | { readonly op: ReductionOp; readonly axes: readonly number[]; readonly keepDims: boolean }
  /** The same elements in the same order, in the node's shape. */
  | { readonly op: 'Reshape' }
  /** Repeats along axes of size 1, and along new leading axes, up to the node's shape. */
  | { readonly op: 'Expand' }
  | { readonly op: 'Tile'; readonly repeats: readonly number[] }
  | { readonly op: 'Transpose'; readonly permutation: readonly number[] }
  | Product;

/** activation(scale * A B + C): A and B are matrices, the third operand C may be absent, or a vector added to each row. */
export interface Product {
  readonly op: 'MatMul';
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly scale: number;
  readonly activation?: FusedActivation;
}

/** What a product can apply to its result while it is at hand. */
export const fusedActivations = ['Relu', 'Sigmoid', 'Tanh'] as const;
export type FusedActivation = (typeof fusedActivations)[number];

export type OpName = Operation['op'];

/** One value of the graph and the operation that gives it. Immutable: a pass makes new nodes. */
export interface Node {
  readonly operation: Operation;
  readonly operands: readonly Node[];
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** A program as data: named outputs, and through their operands everything that they need. */
export interface Graph {
  readonly outputs: readonly (readonly [name: string, node: Node])[];
}

export function makeNode(
  operation: Operation,
  operands: readonly Node[],
  shape: readonly number[],
  type: ElementType = 'float32',
): Node {
  return { operation, operands, shape, type };
}

export function uniform(value: number, shape: readonly number[] = []): Node {
  return makeNode({ op: 'Uniform', value }, [], shape);
}

/** The number that all elements equal, if that is known. */
export function uniformValue(node: Node): number | undefined {
  return node.operation.op === 'Uniform' ? node.operation.value : undefined;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** The shape of an element-wise op's result, by the rules of NumPy. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes.reduce((size, shape) => {
      const own = shape[shape.length - rank + i] ?? 1;
      return own === 1 ? size : own;
    }, 1),
  );
}
