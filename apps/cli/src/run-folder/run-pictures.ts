import { BatchReader } from '@elbo/datasets/batch-reader';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import type { Model } from '@elbo/vae-core/models/model';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { drawPrior } from './draw-prior.js';
import { imageShapeOf, toUnitRange } from './image-values.js';
import { addLikelihoodNoise } from './likelihood-noise.js';
import { type ImageShape, interleaveRows, renderImageGrid, renderReconstructions } from './plot/image-grid.js';
import { renderScatter } from './plot/scatter.js';
import { renderTiles } from './plot/tiles.js';

/** A picture, or the reason why there is none. */
export type Picture = { readonly png: Uint8Array } | { readonly skipped: string };
export interface RunPictures {
  readonly samples: Picture;
  readonly reconstructions: Picture;
}
/** Full: with titles, for people to look at. Small: nothing but the images, for a picture of each epoch. */
export type PictureSize = 'full' | 'small';

const gridColumns = 10;
const sampleCount = 100;
const reconstructionCount = 50;
const cloudSize = 2000;

export interface PaintedRun {
  readonly spec: RunSpec;
  readonly model: Model;
  readonly dataset: PackedDataset;
}

/**
 * Draws what a model makes of the prior and of the data, from the same z and the same examples each time: grids for
 * images, clouds of points for data in the plane. What it compiles and reads the first time it keeps until it is closed.
 */
export class RunPainter {
  readonly #streams: RandomStreams;
  readonly #image: ImageShape | null;
  /** Engines want memory that is not shared, and know an array that they have seen. */
  readonly #parameters: Float32Array;
  #engine: Promise<Engine> | null = null;
  #examples: { split: 'test' | 'train'; originals: Float32Array; count: number } | null = null;

  constructor(private readonly run: PaintedRun) {
    this.#streams = new RandomStreams(run.spec.seed);
    this.#image = imageShapeOf(run.dataset.header.exampleShape);
    this.#parameters = new Float32Array(run.model.layout.length);
  }

  /** Whether its data can be shown at all. */
  get draws(): boolean {
    return this.#image !== null || this.run.model.dataDim === 2;
  }

  /**
   * It never rejects: a trained model is not lost because a picture of it could not be drawn.
   * @param parameters Flat, by the model's layout; copied before it returns.
   */
  async draw(parameters: Float32Array, size: PictureSize = 'full'): Promise<RunPictures> {
    if (!this.draws) {
      const skipped = `an example is ${this.run.model.dataDim} numbers, neither an image nor a point in the plane`;
      return { samples: { skipped }, reconstructions: { skipped } };
    }
    this.#parameters.set(parameters);
    try {
      return this.#image ? await this.#drawImages(this.#image, size) : await this.#drawPlane(size);
    } catch (error) {
      const skipped = `it could not be drawn (${(error as Error).message})`;
      return { samples: { skipped }, reconstructions: { skipped } };
    }
  }

  /** Frees the engine. */
  async close(): Promise<void> {
    const engine = await this.#engine?.catch(() => null); // a picture's reason has told why
    await engine?.dispose();
  }

  async #drawImages(shape: ImageShape, size: PictureSize): Promise<RunPictures> {
    const range = this.run.dataset.header.valueRange;
    const samples = toUnitRange(await this.#samplePrior(sampleCount), range);
    const found = await this.#reconstruct(reconstructionCount);
    const originals = toUnitRange(found.originals, range);
    const reconstructions = toUnitRange(found.reconstructions, range);
    const { split, count } = found;
    if (size === 'small') {
      const { images, places } = interleaveRows(originals, reconstructions, count, shape, gridColumns);
      return {
        samples: { png: renderTiles(samples, sampleCount, shape, gridColumns) },
        reconstructions: { png: renderTiles(images, places, shape, gridColumns) },
      };
    }
    const title = `${split} images, and below each its reconstruction`;
    return {
      samples: { png: renderImageGrid(samples, sampleCount, shape, gridColumns, 'decoder means at z ~ N(0, I)') },
      reconstructions: {
        png: renderReconstructions(originals, reconstructions, count, shape, gridColumns, title),
      },
    };
  }

  async #drawPlane(size: PictureSize): Promise<RunPictures> {
    const { spec, model } = this.run;
    const samples = await this.#samplePrior(cloudSize);
    addLikelihoodNoise(samples, spec.model.likelihood, model, this.#parameters, this.#streams);
    const { split, originals, reconstructions } = await this.#reconstruct(cloudSize);
    const data = { label: `${split} data`, points: originals };
    const draw = (label: string, points: Float32Array, title: string) => {
      return { png: renderScatter(data, { label, points }, title, size === 'small') };
    };
    return {
      samples: draw('samples', samples, 'Samples of the model'),
      reconstructions: draw('reconstructions', reconstructions, 'Reconstructions'),
    };
  }

  /** The likelihood's mean at `count` draws of z ~ N(0, I). [count, dataDim] */
  async #samplePrior(count: number): Promise<Float32Array> {
    return this.#decode(drawPrior(this.#streams, count, this.run.model.latentDim), count);
  }

  /** The first examples of the split, and the decoder's mean at their posterior's. */
  async #reconstruct(wanted: number) {
    const examples = this.#firstExamples(wanted);
    const { originals, count } = examples;
    const encode = await (await this.#loadedEngine()).compileEncoder(this.run.model, count);
    const { posteriorMean } = await encode(this.#parameters, originals);
    return { ...examples, reconstructions: await this.#decode(posteriorMean, count) };
  }

  /** Of the test split, or of the train split without one. */
  #firstExamples(wanted: number) {
    if (this.#examples) return this.#examples;
    const { dataset, spec, model } = this.run;
    const reader = new BatchReader(dataset, spec.dataset, this.#streams);
    const split = reader.count('test') > 0 ? 'test' : 'train';
    const count = Math.min(wanted, reader.count(split));
    const originals = new Float32Array(count * model.dataDim);
    const first = Array.from({ length: count }, (_, i) => i);
    reader.read(split, first, 0, originals);
    this.#examples = { split, originals, count };
    return this.#examples;
  }

  async #decode(z: Float32Array, count: number): Promise<Float32Array> {
    const decode = await (await this.#loadedEngine()).compileDecoder(this.run.model, count);
    return (await decode(this.#parameters, z)).slice();
  }

  #loadedEngine(): Promise<Engine> {
    this.#engine ??= loadEngine(this.run.spec.engine);
    return this.#engine;
  }
}
