import type { Node } from '../ir/node.js';

/** A call of a kernel while recording: operands by TensorFlow.js's names for them. */
export interface KernelCall {
  /** The operand of that name; every kernel of ours has all of its operands. */
  readonly node: (name: string) => Node;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Gives the node that stands for the kernel's result. */
export type Kernel = (call: KernelCall) => Node;

/** By TensorFlow.js's kernel name. */
export type KernelTable = Readonly<Record<string, Kernel>>;
