import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportOnnx } from '@elbo/vae-core/export/onnx';
import * as tf from '@tensorflow/tfjs-core';
import type * as Ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { pythonWith, runPython } from '../../../../tests/support/python.js';
import type { Subject } from '../engines/subjects.js';
import { engineOutputs, expectClose, type NetworkOutputs, numbers, subjects } from './networks.js';

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
const python = pythonWith('numpy', 'onnxruntime');

describe('an exported ONNX model', () => {
  test.each(subjects.map((subject) => [subject.title, subject] as const))(
    'computes in onnxruntime what our engine computes, at any batch size: %s',
    async (_, { model, inputs }) => {
      const encoder = await open(exportOnnx(model, inputs.parameters, 'encoder'));
      const decoder = await open(exportOnnx(model, inputs.parameters, 'decoder'));
      for (const batch of batches) {
        const expected = await engineOutputs(model, inputs.parameters, batch);
        const encoded = await encoder.run({ x: tensor(batch, model.dataDim) });
        const decoded = await decoder.run({ z: tensor(batch, model.latentDim) });
        const outputs = { ...encoded, ...decoded };
        expect(Object.keys(outputs).sort()).toEqual(['likelihoodMean', 'posteriorLogVar', 'posteriorMean']);
        for (const [name, output] of Object.entries(outputs)) {
          const latent = name === 'likelihoodMean' ? model.dataDim : model.latentDim;
          expect(output.dims, name).toEqual([batch, latent]);
          expectClose(output.data as Float32Array, expected[name as keyof NetworkOutputs], `${name}, batch ${batch}`);
        }
      }
      await Promise.all([encoder.release(), decoder.release()]);
    },
  );

  test('uses no op of onnxruntime alone, and takes nothing but x, or z', async () => {
    for (const { model, inputs } of subjects) {
      for (const [network, input] of [
        ['encoder', 'x'],
        ['decoder', 'z'],
      ] as const) {
        const bytes = exportOnnx(model, inputs.parameters, network);
        expect(Buffer.from(bytes).includes('com.microsoft')).toBe(false);
        expect((await open(bytes)).inputNames).toEqual([input]);
      }
    }
  });

  test('refuses parameters of another model', () => {
    const { model } = subjects[0] as Subject;
    expect(() => exportOnnx(model, new Float32Array(3), 'encoder')).toThrow(
      expect.objectContaining({ code: 'PARAMETERS', message: expect.stringContaining(`${model.layout.length}`) }),
    );
  });

  test('refuses a network that computes with the size of the batch: it would be right for one size alone', () => {
    const { model, inputs } = subjects[0] as Subject;
    const decode: typeof model.decode = (parameters, z) => tf.div(model.decode(parameters, z), z.shape[0]);
    expect(() => exportOnnx({ ...model, decode }, inputs.parameters, 'decoder')).toThrow(
      expect.objectContaining({ code: 'FIXED_BATCH' }),
    );
  });

  test.skipIf(python === null)('computes the same in Python, and says there where it comes from', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'elbo-onnx-'));
    try {
      const jobs = subjects.flatMap(({ model, inputs }, index) =>
        (['encoder', 'decoder'] as const).map((network) => {
          const path = join(folder, `${network}${index}.onnx`);
          writeFileSync(path, exportOnnx(model, inputs.parameters, network, { runId: 'mnist-1a2b', step: '47' }));
          const [input, size] = network === 'encoder' ? ['x', model.dataDim] : ['z', model.latentDim];
          return { path, input, size, batches: batches.map((batch) => [...numbers(batch, size)]) };
        }),
      );
      const jobsPath = join(folder, 'jobs.json');
      writeFileSync(jobsPath, JSON.stringify(jobs));
      const found = runPython(python as string, program, jobsPath) as FoundInPython[];
      expect(found).toHaveLength(2 * subjects.length);
      for (const [i, { metadata, inputShape, outputs }] of found.entries()) {
        const { model, inputs, title } = subjects[Math.floor(i / 2)] as Subject;
        expect(metadata).toEqual({ runId: 'mnist-1a2b', step: '47' });
        expect(inputShape).toEqual(['batch', jobs[i]?.size]);
        for (const [b, batch] of batches.entries()) {
          const expected = await engineOutputs(model, inputs.parameters, batch);
          for (const [name, values] of Object.entries(outputs[b] as Record<string, number[]>)) {
            expectClose(values, expected[name as keyof NetworkOutputs], `${title}: ${name}, batch ${batch}`);
          }
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const batches = [1, 7];

interface FoundInPython {
  readonly metadata: Record<string, string>;
  readonly inputShape: (string | number)[];
  /** For each batch size. */
  readonly outputs: Record<string, number[]>[];
}

const program = `
import json, sys, numpy, onnxruntime
def outputs(session, names, job, values):
    x = numpy.array(values, dtype=numpy.float32).reshape(-1, job['size'])
    return {name: result.ravel().tolist() for name, result in zip(names, session.run(names, {job['input']: x}))}
found = []
for job in json.load(open(sys.argv[1])):
    session = onnxruntime.InferenceSession(job['path'])
    names = [output.name for output in session.get_outputs()]
    found.append({
        'metadata': session.get_modelmeta().custom_metadata_map,
        'inputShape': session.get_inputs()[0].shape,
        'outputs': [outputs(session, names, job, values) for values in job['batches']],
    })
print(json.dumps(found))
`;

function open(bytes: Uint8Array): Promise<Ort.InferenceSession> {
  return ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
}

function tensor(batch: number, size: number): Ort.Tensor {
  return new ort.Tensor('float32', numbers(batch, size), [batch, size]);
}
