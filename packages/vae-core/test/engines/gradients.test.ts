import '@tensorflow/tfjs-backend-cpu';
import { prepareTfjs, useBackend } from '@elbo/vae-core/engines/tfjs-runtime';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(async () => {
  prepareTfjs();
  useBackend('cpu');
  await tf.ready();
});

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const unary: Record<string, Unary> = {
  Neg: tf.neg,
  Square: tf.square,
  Log: (x) => tf.log(tf.square(x)),
  Exp: tf.exp,
  Sigmoid: tf.sigmoid,
  Tanh: tf.tanh,
  Relu: tf.relu,
  Elu: tf.elu,
  Softplus: tf.softplus,
  'Sum over all axes': (x) => tf.sum(x),
  'Sum over the last axis': (x) => tf.sum(x, -1),
  'Mean over the first axis': (x) => tf.mean(x, 0),
  'Mean over both axes, kept': (x) => tf.mean(x, [0, 1], true),
  Reshape: (x) => tf.reshape(x, [6]),
  Cast: (x) => tf.cast(x, 'float32'),
  Identity: (x) => tf.clone(x),
};
const binary: Record<string, Binary> = { Add: tf.add, Sub: tf.sub, Multiply: tf.mul, RealDiv: tf.div };

const a = [0.7, -1.3, 2.1, 0.4, -0.6, 1.9];
const b = [1.5, -0.8, 0.9, -2.2, 1.1, 0.5];

/** The gradient of a weighted sum of f, so that no symmetry hides an error, beside its central differences. */
function expectGradient(f: Unary, values: readonly number[], shape: number[]): void {
  const weigh = (y: tf.Tensor) => {
    const weights = Float32Array.from({ length: y.size }, (_, i) => 1 + 0.37 * i);
    return tf.sum(tf.mul(y, tf.tensor(weights, y.shape))) as tf.Scalar;
  };
  const lossAt = (at: readonly number[]) => weigh(f(tf.tensor([...at], shape))).dataSync()[0] as number;
  const gradient = tf.grad((x: tf.Tensor) => weigh(f(x)))(tf.tensor([...values], shape));
  expect(gradient.shape).toEqual(shape);
  const step = 1e-2;
  values.forEach((_, i) => {
    const moved = (by: number) => values.map((value, j) => (j === i ? value + by : value));
    const slope = (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
    const expected = gradient.dataSync()[i] as number;
    expect(Math.abs(slope - expected), `element ${i}: ${slope}, ${expected}`).toBeLessThan(
      5e-3 * (1 + Math.abs(slope)),
    );
  });
}

describe('every registered gradient is the slope of central differences', () => {
  it.each(Object.entries(unary))('%s', (_, f) => expectGradient(f, a, [2, 3]));

  it.each(Object.entries(binary))('%s, of both operands, broadcast or not', (_, f) => {
    const whole = tf.tensor(b, [2, 3]);
    const row = tf.tensor(b.slice(0, 3));
    expectGradient((x) => f(x, whole), a, [2, 3]);
    expectGradient((x) => f(whole, x), a, [2, 3]);
    expectGradient((x) => f(x, row), a, [2, 3]);
    expectGradient((x) => f(whole, x), a.slice(0, 3), [3]);
    expectGradient((x) => f(x, whole), a.slice(0, 2), [2, 1]);
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('BatchMatMul with transposeA %s and transposeB %s', (transposeA, transposeB) => {
    const other = (shape: [number, number]) => tf.tensor2d(b.slice(0, 6), shape);
    const right = other(transposeB ? [2, 3] : [3, 2]);
    expectGradient((x) => tf.matMul(x as tf.Tensor2D, right, transposeA, transposeB), a, transposeA ? [3, 2] : [2, 3]);
    const left = other(transposeA ? [3, 2] : [2, 3]);
    expectGradient((x) => tf.matMul(left, x as tf.Tensor2D, transposeA, transposeB), a, transposeB ? [2, 3] : [3, 2]);
  });
});
