import '@tensorflow/tfjs-backend-cpu';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportTfjs } from '@elbo/vae-core/export/tfjs';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Subject } from '../engines/subjects.js';
import { engineOutputs, expectClose, numbers, subjects } from './networks.js';

const files = new Map<string, Uint8Array>();
let server: Server;
let address = '';

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    const file = files.get(url ?? '');
    response.writeHead(file ? 200 : 404, {
      'content-type': url?.endsWith('.json') ? 'application/json' : 'text/plain',
    });
    response.end(file);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

describe('an exported TensorFlow.js model', () => {
  test.each(subjects.map((subject) => [subject.title, subject] as const))(
    'computes in TensorFlow.js what our engine computes, at any batch size: %s',
    async (_, subject) => {
      const { model, inputs } = subject;
      const encoder = await load(subject, 'encoder');
      const decoder = await load(subject, 'decoder');
      for (const batch of [1, 7]) {
        const expected = await engineOutputs(model, inputs.parameters, batch);
        await useCpu();
        const x = tf.tensor2d(numbers(batch, model.dataDim), [batch, model.dataDim]);
        const z = tf.tensor2d(numbers(batch, model.latentDim), [batch, model.latentDim]);
        const encoded = encoder.predict(x) as tf.NamedTensorMap;
        const decoded = decoder.predict({ z }) as tf.NamedTensorMap;
        for (const name of ['posteriorMean', 'posteriorLogVar'] as const) {
          expect(encoded[name]?.shape).toEqual([batch, model.latentDim]);
          expectClose(encoded[name]?.dataSync() ?? [], expected[name], `${name}, batch ${batch}`);
        }
        expect(decoded.likelihoodMean?.shape).toEqual([batch, model.dataDim]);
        expectClose(decoded.likelihoodMean?.dataSync() ?? [], expected.likelihoodMean, `decoded, batch ${batch}`);
      }
    },
  );

  test('refuses parameters of another model', () => {
    const { model, inputs } = subjects[0] as Subject;
    expect(() => exportTfjs(model, inputs.parameters.subarray(1), 'encoder')).toThrow(
      expect.objectContaining({ code: 'PARAMETERS', format: 'tfjs' }),
    );
  });

  test('says where it comes from, and which outputs it has', async () => {
    const { model, inputs } = subjects[0] as Subject;
    const { modelJson } = exportTfjs(model, inputs.parameters, 'decoder', { runId: 'mnist-1a2b' });
    expect(JSON.parse(modelJson)).toMatchObject({
      format: 'graph-model',
      generatedBy: 'elbo',
      userDefinedMetadata: { runId: 'mnist-1a2b', structuredOutputKeys: ['likelihoodMean'] },
    });
  });
});

/** Through a server, as a web page would. */
async function load({ model, inputs }: Subject, network: 'encoder' | 'decoder'): Promise<GraphModel> {
  const { modelJson, weightsName, weights } = exportTfjs(model, inputs.parameters, network);
  files.set(`/${network}/model.json`, Buffer.from(modelJson));
  files.set(`/${network}/${weightsName}`, weights);
  await useCpu();
  return loadGraphModel(`${address}/${network}/model.json`);
}

async function useCpu(): Promise<void> {
  await tf.setBackend('cpu');
}
