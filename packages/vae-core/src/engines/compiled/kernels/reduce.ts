import tf = require('@tensorflow/tfjs-core');

import { makeNode, type ReductionOp } from '../ir/node.js';
import type { Kernel, KernelTable } from './kernel.js';

const reduction =
  (op: ReductionOp, axisAttribute: string): Kernel =>
  ({ node, attributes }) => {
    const x = node('x');
    const axis = (attributes[axisAttribute] ?? x.shape.map((_, i) => i)) as number | number[];
    const axes = tf.util.parseAxisParam(axis, [...x.shape]);
    const keepDims = attributes.keepDims === true;
    const shape = keepDims
      ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
      : x.shape.filter((_, i) => !axes.includes(i));
    return axes.length === 0 ? x : makeNode({ op, axes, keepDims }, [x], shape);
  };

/** Sums, means and extrema over axes. */
export const reduceKernels: KernelTable = {
  Sum: reduction('ReduceSum', 'axis'),
  Mean: reduction('ReduceMean', 'axis'),
  Max: reduction('ReduceMax', 'reductionIndices'),
  Min: reduction('ReduceMin', 'axis'),
};
