import { encodeOnnx } from '@elbo/vae-core/engines/compiled/compile';
import { dataTypes, type OnnxGraph } from '@elbo/vae-core/engines/compiled/onnx/schema';
import { ort, tensor } from '@elbo/vae-core/engines/compiled/onnxruntime';
import { leavesOutputsInPlace, runSession, withoutResults } from '@elbo/vae-core/engines/compiled/outputs-in-place';
import { describe, expect, it } from 'vitest';

const value = { dataType: dataTypes.float32, shape: [2] };
const product: OnnxGraph = {
  node: [{ opType: 'Mul', name: 'product', input: ['x', 'y'], output: ['z'], attribute: [] }],
  initializer: [],
  input: [
    { name: 'x', ...value },
    { name: 'y', ...value },
  ],
  output: [{ name: 'z', ...value }],
};
const feeds = { x: tensor(Float32Array.of(2, 3), [2]), y: tensor(Float32Array.of(5, 7), [2]) };

describe('a model whose results are not returned', () => {
  it('runs on the onnxruntime that is installed', async () => {
    expect(await leavesOutputsInPlace()).toBe(true);
  });

  it.each([
    ['with results', product],
    ['without', withoutResults(product)],
  ])('writes the same outputs as any: %s', async (_, graph) => {
    const session = await ort.InferenceSession.create(encodeOnnx(graph));
    const z = new Float32Array(2);
    await runSession(session, feeds, { z: tensor(z, [2]) });
    expect([...z]).toEqual([10, 21]);
    await session.release();
  });

  it('throws when the run itself fails', async () => {
    const session = await ort.InferenceSession.create(encodeOnnx(withoutResults(product)), { logSeverityLevel: 4 });
    const wrong = { ...feeds, y: tensor(new Float32Array(3), [3]) };
    await expect(runSession(session, wrong, { z: tensor(new Float32Array(2), [2]) })).rejects.toThrow(/dimensions/);
    await session.release();
  });
});
