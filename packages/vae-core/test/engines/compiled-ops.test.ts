import { compileProgram } from '@elbo/vae-core/engines/compiled/compile';
import { openSession } from '@elbo/vae-core/engines/compiled/session';
import { createEagerCompiler } from '@elbo/vae-core/engines/eager/eager-compiler';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { programOf } from './programs.js';

beforeAll(async () => {
  for (const name of ['cpu', 'compiled'] as const) await (await loadEngine(name)).dispose();
});

/** Different for each element, so that none can be taken for another: h is [4, 5], and a fifth of it is 0. */
const weighed = (y: tf.Tensor): tf.Tensor =>
  tf.mul(
    y,
    tf.tensor(
      Float32Array.from({ length: y.size }, (_, i) => 1 + Math.sin(i)),
      y.shape,
    ),
  );
const zerosIn = (h: tf.Tensor) => tf.mul(h, tf.tensor2d([[0, 1, 1, 1, 1]]));
const chosen = (condition: tf.Tensor, h: tf.Tensor) => weighed(tf.where(condition, tf.exp(h), h));

const ops: Record<string, (h: tf.Tensor2D) => tf.Tensor> = {
  Abs: (h) => tf.abs(h),
  Sqrt: (h) => tf.sqrt(tf.square(h)),
  Log: (h) => tf.log(tf.exp(h)),
  Step: (h) => tf.step(zerosIn(h)),
  Maximum: (h) => tf.maximum(h, 0.1),
  Minimum: (h) => tf.minimum(h, tf.tensor1d([0.3, 0.2, 0.1, 0, -0.1])),
  RealDiv: (h) => tf.div(1, tf.add(tf.square(h), 1)),
  'Max over an axis': (h) => tf.max(h, 1),
  'Max, kept': (h) => tf.max(h, 0, true),
  'Min over an axis': (h) => tf.min(h, -1),
  'Mean of all': (h) => tf.mean(h),
  'Sum, kept': (h) => tf.sum(h, 1, true),
  Greater: (h) => chosen(tf.greater(zerosIn(h), 0), h),
  GreaterEqual: (h) => chosen(tf.greaterEqual(zerosIn(h), 0), h),
  Less: (h) => chosen(tf.less(zerosIn(h), 0), h),
  LessEqual: (h) => chosen(tf.lessEqual(zerosIn(h), 0), h),
  Equal: (h) => chosen(tf.equal(zerosIn(h), 0), h),
  'Cast of truth values': (h) => tf.cast(tf.greater(h, 0), 'float32'),
  ExpandDims: (h) => tf.add(tf.expandDims(h, 1), tf.expandDims(tf.exp(h), 0)),
  'ExpandDims from the end': (h) => tf.mul(tf.expandDims(h, -1), tf.tensor1d([1, 2, 3])),
  Tile: (h) => tf.tile(h, [2, 3]),
  Transpose: (h) => tf.transpose(h),
  Reshape: (h) => tf.reshape(h, [2, -1]),
  OnesLike: (h) => tf.add(tf.onesLike(h), h),
  ZerosLike: (h) => tf.add(tf.zerosLike(h), h),
  Fill: (h) => tf.mul(tf.fill([4, 5], 0.3), h),
};

test.each(Object.entries(ops))('the compiled engine computes what TensorFlow.js computes: %s', async (_, op) => {
  const program = programOf((h) => weighed(op(h)));
  const parameters = Float32Array.from({ length: 30 }, (_, i) => Math.sin(3 * i));
  const x = Float32Array.from({ length: 24 }, (_, i) => Math.cos(5 * i));
  const eager = await createEagerCompiler('cpu', 'cpu').compile(program);
  const expected = (await eager(parameters, { x })).y?.[0] as number;
  const session = await openSession(program, compileProgram(program));
  const { y } = await session.run(parameters, { x });
  await session.release();
  expect(Math.abs((y?.[0] as number) - expected)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected)));
});
