// A worker thread with an engine of its own: computes one gradient and posts it.
import { parentPort, workerData } from 'node:worker_threads';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { createModel } from '@elbo/vae-core/models/model';

const { engine: name, spec, dataDim, monteCarloSamples, batchSize, inputs } = workerData;
const engine = await loadEngine(name);
const model = createModel(spec, dataDim);
const run = await engine.compileGradient(model, monteCarloSamples, batchSize);
const gradient = new Float32Array(model.layout.length);
let terms;
for (let i = 0; i < 10; i++) terms = await run(inputs, gradient);
parentPort.postMessage({ gradient, ...terms });
