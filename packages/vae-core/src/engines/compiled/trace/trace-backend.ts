import tf = require('@tensorflow/tfjs-core');

import { DataDependentControlFlowError } from '../../errors.js';
import { type ElementType, makeNode, type Node, uniform } from '../ir/node.js';

export const traceBackendName = 'elbo-trace';

/** A TensorFlow.js backend that computes nothing: its tensors stand for nodes of the graph being recorded. */
export class TraceBackend extends tf.KernelBackend {
  readonly #nodes = new WeakMap<object, Node>();
  #tensors = 0;
  wasRead = false;

  nodeOf(tensor: tf.TensorInfo): Node {
    const node = this.#nodes.get(tensor.dataId);
    if (!node) throw new Error('a tensor made outside the program cannot be used inside it: pass it as an input');
    return node;
  }

  /** A tensor that stands for `node`. Every tensor has data of its own, so that none is shared and counted. */
  tensorOf(node: Node): tf.TensorInfo {
    const dataId = {};
    this.#nodes.set(dataId, node);
    this.#tensors++;
    return { dataId, shape: [...node.shape], dtype: node.type };
  }

  /** Values that the program itself writes, such as the 0.5 of `tf.mul(x, 0.5)`. */
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    return this.tensorOf(constant(values, shape, dtype)).dataId;
  }

  override move(dataId: tf.DataId, values: tf.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.#nodes.set(dataId, constant(values, shape, dtype));
    this.#tensors++;
  }

  override readSync(): never {
    throw new DataDependentControlFlowError('compiled');
  }

  /** A program need not wait for what it reads so: whoever records it looks at `wasRead` afterwards. */
  override read(): Promise<never> {
    this.wasRead = true;
    return new Promise(() => {});
  }

  override disposeData(): boolean {
    this.#tensors--;
    return true;
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {}

  override numDataIds(): number {
    return this.#tensors;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}
}

function constant(data: tf.BackendValues, shape: readonly number[], dtype: tf.DataType): Node {
  const values = Float32Array.from(data as ArrayLike<number>);
  const type: ElementType = dtype === 'bool' ? 'bool' : 'float32';
  const first = values[0];
  if (type === 'float32' && first !== undefined && values.every((value) => value === first)) {
    return uniform(first, shape);
  }
  return makeNode({ op: 'Constant', values }, [], shape, type);
}
