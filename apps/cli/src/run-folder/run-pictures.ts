import { BatchReader } from '@elbo/datasets/batch-reader';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import type { Model } from '@elbo/vae-core/models/model';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { imageShapeOf, toUnitRange } from './image-values.js';
import { addLikelihoodNoise } from './likelihood-noise.js';
import { type ImageShape, renderImageGrid, renderReconstructions } from './plot/image-grid.js';
import { renderScatter } from './plot/scatter.js';

/** A picture, or the reason why there is none. */
export type Picture = { readonly png: Uint8Array } | { readonly skipped: string };
export interface RunPictures {
  readonly samples: Picture;
  readonly reconstructions: Picture;
}

const gridColumns = 10;
const sampleCount = 100;
const reconstructionCount = 50;
const cloudSize = 2000;

export interface TrainedModel {
  readonly spec: RunSpec;
  readonly model: Model;
  /** Flat, by the model's layout. */
  readonly parameters: Float32Array;
  readonly dataset: PackedDataset;
}

interface Subject extends TrainedModel {
  readonly engine: Engine;
  readonly streams: RandomStreams;
}

/**
 * Draws samples.png and reconstructions.png of a model: grids for images, clouds of points for data in the plane.
 * It never rejects: a trained model is not lost because a picture of it could not be drawn.
 */
export async function drawRunPictures(of: TrainedModel): Promise<RunPictures> {
  const { spec, model, dataset } = of;
  const image = imageShapeOf(dataset.header.exampleShape);
  if (!image && model.dataDim !== 2) {
    const skipped = `an example is ${model.dataDim} numbers, neither an image nor a point in the plane`;
    return { samples: { skipped }, reconstructions: { skipped } };
  }
  let engine: Engine | null = null;
  try {
    engine = await loadEngine(spec.engine);
    const subject = { ...of, engine, streams: new RandomStreams(spec.seed) };
    return image ? await drawImages(subject, image) : await drawPlane(subject);
  } catch (error) {
    const skipped = `it could not be drawn (${(error as Error).message})`;
    return { samples: { skipped }, reconstructions: { skipped } };
  } finally {
    await engine?.dispose();
  }
}

async function drawImages(subject: Subject, shape: ImageShape): Promise<RunPictures> {
  const range = subject.dataset.header.valueRange;
  const samples = toUnitRange(await samplePrior(subject, sampleCount), range);
  const { split, originals, reconstructions, count } = await reconstruct(subject, reconstructionCount);
  return {
    samples: { png: renderImageGrid(samples, sampleCount, shape, gridColumns, 'decoder means at z ~ N(0, I)') },
    reconstructions: {
      png: renderReconstructions(
        toUnitRange(originals, range),
        toUnitRange(reconstructions, range),
        count,
        shape,
        gridColumns,
        `${split} images, and below each its reconstruction`,
      ),
    },
  };
}

async function drawPlane(subject: Subject): Promise<RunPictures> {
  const { spec, model, parameters, streams } = subject;
  const samples = await samplePrior(subject, cloudSize);
  addLikelihoodNoise(samples, spec.model.likelihood, model, parameters, streams);
  const { split, originals, reconstructions } = await reconstruct(subject, cloudSize);
  const data = { label: `${split} data`, points: originals };
  return {
    samples: { png: renderScatter(data, { label: 'samples', points: samples }, 'Samples of the model') },
    reconstructions: {
      png: renderScatter(data, { label: 'reconstructions', points: reconstructions }, 'Reconstructions'),
    },
  };
}

/** The likelihood's mean at `count` draws of z ~ N(0, I). [count, dataDim] */
async function samplePrior({ engine, model, parameters, streams }: Subject, count: number): Promise<Float32Array> {
  const z = new Float32Array(count * model.latentDim);
  for (let i = 0; i < count; i++) streams.fillNormal('sampling', 0, i, 0, z, i * model.latentDim, model.latentDim);
  const decode = await engine.compileDecoder(model, count);
  return (await decode(parameters, z)).slice(0, count * model.dataDim);
}

/** The first examples of the test split (of the train split without one), and the decoder's mean at their posterior's. */
async function reconstruct({ engine, spec, model, parameters, dataset, streams }: Subject, wanted: number) {
  const reader = new BatchReader(dataset, spec.dataset, streams);
  const split = reader.count('test') > 0 ? 'test' : 'train';
  const count = Math.min(wanted, reader.count(split));
  const originals = new Float32Array(count * model.dataDim);
  reader.read(
    split,
    Array.from({ length: count }, (_, i) => i),
    0,
    originals,
  );
  const encode = await engine.compileEncoder(model, count);
  const { posteriorMean } = await encode(parameters, originals);
  const decode = await engine.compileDecoder(model, count);
  const reconstructions = (await decode(parameters, posteriorMean.slice())).slice(0, count * model.dataDim);
  return { split, originals, reconstructions, count };
}
