import type { SamplesResult } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { UsageError } from '../errors.js';
import { drawPrior } from '../run-folder/draw-prior.js';
import { toUnitRange } from '../run-folder/image-values.js';
import { addLikelihoodNoise } from '../run-folder/likelihood-noise.js';
import { renderImageGrid } from '../run-folder/plot/image-grid.js';
import { renderScatter } from '../run-folder/plot/scatter.js';
import { type ExampleForm, exampleForm } from './example-shape.js';
import { openExamples } from './examples.js';
import { Network } from './network.js';
import { chooseObservationOutput, lookOf, requireShowable, writeObservations } from './observations.js';
import type { OpenedModel } from './open-model.js';
import { writeResult } from './output.js';

export interface SampleOptions {
  /** 100 images, or 2000 of anything else, when left out. */
  readonly count?: number | undefined;
  readonly columns: number;
  /** The run's seed when left out: the samples of its run folder. */
  readonly seed?: number | undefined;
  /** Means of the likelihood (of images, when left out), or draws from it (of everything else). */
  readonly values?: 'mean' | 'draw' | undefined;
  readonly out?: string | undefined;
  readonly engine?: EngineName | undefined;
}

const mostValues = 1 << 28;
/** Points of the data that samples in the plane are drawn over. */
const cloudSize = 2000;

/**
 * Draws z from the prior and x from the likelihood at it, each sample keyed by its own number: a longer list of
 * samples begins with the shorter one.
 */
export async function sampleModel(opened: OpenedModel, options: SampleOptions): Promise<SamplesResult> {
  const form = await exampleForm(opened);
  const look = lookOf(form.exampleShape);
  const output = await chooseObservationOutput(options.out, `${opened.label}-samples`, form.exampleShape);
  const count = options.count ?? (look.kind === 'images' ? 100 : cloudSize);
  if (count * opened.model.dataDim > mostValues) {
    throw new UsageError(`--count: ${count} samples of ${opened.model.dataDim} numbers are too many; ask for fewer`);
  }
  requireShowable('--count', output, look, count);
  const values = options.values ?? (look.kind === 'images' ? 'mean' : 'draw');
  const seed = options.seed ?? opened.spec.seed;
  const warnings: string[] = [];
  return Network.with(opened, options.engine, async (network) => {
    const samples = await drawSamples(network, count, seed, values);
    const file =
      output.format === 'png'
        ? await writeResult(output.path, 'png', 'samples', await picture())
        : await writeObservations(output, 'samples', samples, form.exampleShape);
    const engine = network.engine.name;
    return { result: 'samples', model: opened.identity, engine, count, seed, values, files: [file], warnings };

    async function picture(): Promise<Uint8Array> {
      if (look.kind === 'images') return imagePicture(samples, count, look.shape, form, options.columns, values);
      const examples = await openExamples(opened, {}, warnings);
      const points = network.read(examples, { begin: 0, end: Math.min(cloudSize, examples.count) });
      const data = { label: `${examples.split} data`, points };
      return renderScatter(data, { label: 'samples', points: samples }, 'Samples of the model');
    }
  });
}

async function drawSamples(
  network: Network,
  count: number,
  seed: number,
  values: 'mean' | 'draw',
): Promise<Float32Array> {
  const { model, spec, parameters } = network.opened;
  const streams = new RandomStreams(seed);
  const samples = await network.decode(drawPrior(streams, count, model.latentDim));
  if (values === 'mean') return samples;
  if (spec.model.likelihood.kind === 'bernoulli') drawPixels(samples, model.dataDim, streams);
  else addLikelihoodNoise(samples, spec.model.likelihood, model, parameters, streams);
  return samples;
}

/** Turns probabilities into draws of 0 or 1, in place, keyed as the noise of a Gaussian likelihood is. */
function drawPixels(probabilities: Float32Array, dataDim: number, streams: RandomStreams): void {
  const uniforms = new Float32Array(dataDim);
  for (let i = 0; i * dataDim < probabilities.length; i++) {
    streams.fillUniform('sampling', 0, i, 1, uniforms, 0, dataDim);
    for (let j = 0; j < dataDim; j++) {
      const at = i * dataDim + j;
      probabilities[at] = (uniforms[j] as number) < (probabilities[at] as number) ? 1 : 0;
    }
  }
}

function imagePicture(
  samples: Float32Array,
  count: number,
  shape: Parameters<typeof renderImageGrid>[2],
  { valueRange }: ExampleForm,
  columns: number,
  values: 'mean' | 'draw',
): Uint8Array {
  const title = values === 'mean' ? 'decoder means at z ~ N(0, I)' : 'x ~ p(x|z) at z ~ N(0, I)';
  return renderImageGrid(toUnitRange(samples, valueRange), count, shape, Math.min(columns, count), title);
}
