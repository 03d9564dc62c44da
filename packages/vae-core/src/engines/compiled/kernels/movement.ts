import tf = require('@tensorflow/tfjs-core');

import { UnsupportedOpError } from '../../errors.js';
import { makeNode, type Node, sameShape, uniform } from '../ir/node.js';
import type { KernelTable } from './kernel.js';

function reshape(x: Node, shape: readonly number[]): Node {
  return sameShape(x.shape, shape) ? x : makeNode({ op: 'Reshape' }, [x], shape, x.type);
}

/** Ops that move or make elements and compute nothing. */
export const movementKernels: KernelTable = {
  Identity: ({ node }) => node('x'),
  Cast: ({ node, attributes }) => {
    const x = node('x');
    if (attributes.dtype === x.type) return x;
    if (attributes.dtype === 'float32') return makeNode({ op: 'ToFloat' }, [x], x.shape);
    throw new UnsupportedOpError('compiled', 'Cast', `only to float32, not to ${attributes.dtype}`);
  },
  Reshape: ({ node, attributes }) => {
    const x = node('x');
    return reshape(
      x,
      tf.util.inferFromImplicitShape(attributes.shape as number[], tf.util.sizeFromShape([...x.shape])),
    );
  },
  ExpandDims: ({ node, attributes }) => {
    const x = node('input');
    const dim = attributes.dim as number;
    return reshape(x, x.shape.toSpliced(dim < 0 ? x.shape.length + dim + 1 : dim, 0, 1));
  },
  Tile: ({ node, attributes }) => {
    const x = node('x');
    const repeats = attributes.reps as number[];
    const shape = x.shape.map((size, i) => size * (repeats[i] as number));
    return sameShape(shape, x.shape) ? x : makeNode({ op: 'Tile', repeats }, [x], shape, x.type);
  },
  Transpose: ({ node, attributes }) => {
    const x = node('x');
    const permutation = attributes.perm as number[];
    const shape = permutation.map((axis) => x.shape[axis] as number);
    return makeNode({ op: 'Transpose', permutation }, [x], shape, x.type);
  },
  Fill: ({ attributes }) => uniform(attributes.value as number, attributes.shape as number[]),
  OnesLike: ({ node }) => uniform(1, node('x').shape),
  ZerosLike: ({ node }) => uniform(0, node('x').shape),
};
