import { UnsupportedOpError } from '../../errors.js';
import { makeNode } from '../ir/node.js';
import type { KernelTable } from './kernel.js';

/** Products of two matrices. */
export const matmulKernels: KernelTable = {
  BatchMatMul: ({ node, attributes }) => {
    const [a, b] = [node('a'), node('b')];
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      throw new UnsupportedOpError('compiled', 'BatchMatMul', 'only products of two matrices are there, not of stacks');
    }
    const transposeA = attributes.transposeA === true;
    const transposeB = attributes.transposeB === true;
    const shape = [a.shape[transposeA ? 1 : 0] as number, b.shape[transposeB ? 0 : 1] as number];
    return makeNode({ op: 'MatMul', transposeA, transposeB, scale: 1 }, [a, b], shape);
  },
};
