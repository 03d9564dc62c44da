import type { Program } from '@elbo/vae-core/engines/programs';
import * as tf from '@tensorflow/tfjs-core';

/** A program of one input x [4, 6] and one parameter w [6, 5]: the sum of f(x w), and its gradient if asked for. */
export function programOf(f: (x: tf.Tensor2D) => tf.Tensor, differentiates = false): Program {
  const product = (x: tf.Tensor, w: tf.Tensor): tf.Tensor2D => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D);
  return {
    key: `test ${f} ${differentiates}`,
    parametersLength: 30,
    parameters: [{ name: 'w', shape: [6, 5], offset: 0, length: 30 }],
    inputs: [['x', [4, 6]]],
    outputs: [['y', []]],
    differentiates,
    run: ({ w }, { x }) => {
      if (!differentiates) return { outputs: { y: tf.sum(f(product(x as tf.Tensor, w as tf.Tensor))) } };
      const loss = (weights: tf.Tensor): tf.Scalar => tf.sum(f(product(x as tf.Tensor, weights)));
      const { value, grad } = tf.valueAndGrad(loss)(w as tf.Tensor);
      return { outputs: { y: value }, gradients: { w: grad } };
    },
  };
}
