import { UnsupportedOpError } from '../../errors.js';
import { makeNode, type UnaryOp } from '../ir/node.js';
import type { Kernel, KernelTable } from './kernel.js';

const unary =
  (op: UnaryOp): Kernel =>
  ({ node }) =>
    makeNode({ op }, [node('x')], node('x').shape);

/** Ops of one tensor, element by element. */
export const unaryKernels: KernelTable = {
  Neg: unary('Neg'),
  Exp: unary('Exp'),
  Log: unary('Log'),
  Sqrt: unary('Sqrt'),
  Abs: unary('Abs'),
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Elu: unary('Elu'),
  Softplus: unary('Softplus'),
  Square: ({ node }) => makeNode({ op: 'Mul' }, [node('x'), node('x')], node('x').shape),
  Step: (call) => {
    if ((call.attributes.alpha ?? 0) !== 0) {
      throw new UnsupportedOpError('compiled', 'Step', `only alpha 0 is there, not ${call.attributes.alpha}`);
    }
    return unary('Step')(call);
  },
};
