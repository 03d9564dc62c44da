import { modelSpecSchema } from '@elbo/protocol/run-spec';
import { type EngineReport, loadEngine, probeEngines } from '@elbo/vae-core/engines/load-engine';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel } from '@elbo/vae-core/models/model';

/** The program of the process that tries the engines: sends one message, and ends. */
export interface EngineFindings {
  readonly engines: readonly EngineReport[];
  readonly gradient: { readonly milliseconds: number; readonly problem?: undefined } | { readonly problem: string };
}

const batchSize = 128;
const repetitions = 10;

const engines = await probeEngines();
const gradient = await timeGradient().catch((error: Error) => ({ problem: error.message }));
process.send?.({ engines, gradient } satisfies EngineFindings, () => process.exit(0));

/** A gradient of the default model on the default engine, to see that it computes, and how fast. */
async function timeGradient(): Promise<{ milliseconds: number }> {
  const model = createModel(modelSpecSchema.parse({}), 784);
  const engine = await loadEngine('compiled');
  const compute = await engine.compileGradient(model, 1, batchSize);
  const inputs = {
    parameters: initializeParameters(model, 1),
    x: new Float32Array(batchSize * model.dataDim).fill(0.5),
    epsilon: new Float32Array(batchSize * model.latentDim),
    beta: 1,
  };
  const gradient = new Float32Array(model.layout.length);
  await compute(inputs, gradient);
  const began = performance.now();
  for (let i = 0; i < repetitions; i++) await compute(inputs, gradient);
  const milliseconds = (performance.now() - began) / repetitions;
  if (!gradient.every(Number.isFinite)) throw new Error('it is not finite');
  await engine.dispose();
  return { milliseconds };
}
