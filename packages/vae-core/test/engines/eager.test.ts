import { createEagerCompiler } from '@elbo/vae-core/engines/eager/eager-compiler';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { createEngine } from '@elbo/vae-core/engines/program-engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { programOf } from './programs.js';
import { makeSubject } from './subjects.js';

const parameters = new Float32Array(30).fill(0.5);
const x = new Float32Array(24).fill(0.25);

test('an eager engine refuses a kernel that its backend lacks, by name', async () => {
  await (await loadEngine('wasm')).dispose();
  const segments = programOf((product) => tf.unsortedSegmentSum(product, tf.tensor1d([0, 1, 0, 1], 'int32'), 2));
  const run = await createEagerCompiler('wasm', 'wasm').compile(segments);
  await expect(run(parameters, { x })).rejects.toMatchObject({
    code: 'UNSUPPORTED_OP',
    engine: 'wasm',
    op: 'UnsortedSegmentSum',
  });
});

test('an eager engine refuses an op that has no gradient, by name', async () => {
  await (await loadEngine('cpu')).dispose();
  const run = await createEagerCompiler('cpu', 'cpu').compile(programOf((product) => tf.erf(product), true));
  await expect(run(parameters, { x }, new Float32Array(30))).rejects.toMatchObject({
    code: 'UNSUPPORTED_OP',
    op: 'Erf',
  });
});

test('an eager engine allows control flow that depends on values', async () => {
  await (await loadEngine('cpu')).dispose();
  const absolute = programOf((product) => ((product.dataSync()[0] as number) < 0 ? tf.neg(product) : product), true);
  const run = await createEagerCompiler('cpu', 'cpu').compile(absolute);
  const gradient = new Float32Array(30);
  const { y } = await run(
    parameters.map((value) => -value),
    { x },
    gradient,
  );
  // 4 x 5 elements of 6 * 0.25 * 0.5; each weight meets 4 examples of -0.25.
  expect(y?.[0]).toBeCloseTo(15, 5);
  expect(gradient).toEqual(new Float32Array(30).fill(-1));
});

test('an engine tries a compilation that failed again, and remembers one that did not', async () => {
  let attempts = 0;
  const engine = createEngine({
    name: 'cpu',
    async compile() {
      attempts += 1;
      if (attempts === 1) throw new Error('out of memory');
      return async () => ({});
    },
    async dispose() {},
  });
  const { model } = makeSubject();
  await expect(engine.compileDecoder(model, 1)).rejects.toThrow('out of memory');
  const decode = await engine.compileDecoder(model, 1);
  expect(await engine.compileDecoder(model, 1)).toBe(decode);
  expect(attempts).toBe(2);
});
