import { isDeepStrictEqual } from 'node:util';
import { ModelViewError } from '@elbo/coordinator/http/model-views';
import type { LatentPlane } from '@elbo/protocol/cluster';
import type { SplitName } from '@elbo/protocol/messages';
import { imageShapeOf, toUnitRange } from '../../run-folder/image-values.js';
import type { ImageShape } from '../../run-folder/plot/image-grid.js';
import { renderImage } from '../../run-folder/plot/tiles.js';
import { type Examples, examplesOf, type ModelData, openModelData } from '../examples.js';
import { Network } from '../network.js';
import { type OpenedModel, openModel } from '../open-model.js';
import { type Plane, planeThrough, pointAt, projectOnto } from './plane.js';

/** The plane follows from so many examples, however few of them are shown. */
const planeExamples = 5000;

interface DrawnPlane {
  readonly plane: Plane;
  readonly examples: Examples;
  /** Of the plane's examples. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A saved model on an engine of this thread, and what was computed of it. */
export class ModelView {
  #plane: DrawnPlane | null = null;
  readonly #shape: ImageShape | null;

  private constructor(
    private readonly network: Network,
    private readonly data: ModelData,
  ) {
    this.#shape = imageShapeOf(data.dataset.header.exampleShape);
  }

  /** @param others Lend it their data set when it is the same. */
  static async open(runFolder: string, others: readonly ModelView[]): Promise<ModelView> {
    const opened = await openModel(runFolder);
    const alike = others.find(
      (other) =>
        isDeepStrictEqual(other.#opened.spec.dataset, opened.spec.dataset) &&
        other.data.dataset.hash === opened.datasetSha256,
    );
    const data = alike?.data ?? (await openModelData(opened, []));
    return new ModelView(await Network.open(opened), data);
  }

  async latentPlane(limit: number): Promise<LatentPlane> {
    const { plane, examples, x, y } = await this.#drawnPlane();
    const shown = Math.min(limit, x.length);
    const { step } = this.#opened.identity;
    return {
      step,
      axes: plane.axes,
      explainedVariance: [...plane.explainedVariance],
      x: x.slice(0, shown),
      y: y.slice(0, shown),
      example: Array.from({ length: shown }, (_, i) => i),
      label: examples.labels && Array.from(examples.labels.subarray(0, shown)),
      split: examples.split === 'test' ? 'test' : 'train',
      image: this.#shape,
    };
  }

  /** @throws ModelViewError */
  async decode(x: number, y: number): Promise<Uint8Array> {
    const shape = this.#requireShape();
    const { plane } = await this.#drawnPlane();
    const z = pointAt(plane, x, y);
    if (!z.every(Number.isFinite)) throw new ModelViewError('no-point', `(${x}, ${y}) is not a point of the plane`);
    return this.#render(await this.network.decode(z), shape);
  }

  /** @throws ModelViewError */
  example(index: number, split: SplitName): Uint8Array {
    const shape = this.#requireShape();
    const count = this.data.counts[split];
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new ModelViewError('no-example', `there is no example ${index} in the ${split} split, which has ${count}`);
    }
    return this.#render(this.network.readAt(examplesOf(this.#opened, this.data, split), [index]), shape);
  }

  close(): Promise<void> {
    return this.network.close();
  }

  get #opened(): OpenedModel {
    return this.network.opened;
  }

  async #drawnPlane(): Promise<DrawnPlane> {
    this.#plane ??= await this.#drawPlane();
    return this.#plane;
  }

  async #drawPlane(): Promise<DrawnPlane> {
    const { network } = this;
    const examples = examplesOf(this.#opened, this.data);
    const first = { ...examples, count: Math.min(examples.count, planeExamples) };
    const { posteriorMean } = await network.encodeAll(first);
    const plane = await this.#turned(planeThrough(posteriorMean, this.#opened.model.latentDim), posteriorMean);
    return { plane, examples, ...projectOnto(plane, posteriorMean) };
  }

  /**
   * A principal component is one as well when it points the other way. Of the two ways the one is taken along which
   * the decoder's values grow, where they change most: it is the same from epoch to epoch.
   */
  async #turned(plane: Plane, points: Float32Array): Promise<Plane> {
    if (plane.axes === 'coordinates') return plane;
    const { x, y } = projectOnto(plane, points);
    const grows = async (dx: number, dy: number) => {
      const [ahead, behind] = [
        await this.network.decode(pointAt(plane, dx, dy)),
        await this.network.decode(pointAt(plane, -dx, -dy)),
      ];
      return ahead.reduce((sum, value, j) => sum + (value - (behind[j] as number)) ** 3, 0) >= 0;
    };
    const right = (await grows(spreadOf(x), 0)) ? plane.right : plane.right.map((value) => -value);
    const up = (await grows(0, spreadOf(y))) ? plane.up : plane.up.map((value) => -value);
    return { ...plane, right, up };
  }

  #requireShape(): ImageShape {
    if (this.#shape) return this.#shape;
    throw new ModelViewError('no-picture', `examples of ${this.#opened.spec.dataset.name} are no pictures`);
  }

  #render(image: Float32Array, shape: ImageShape): Uint8Array {
    return renderImage(toUnitRange(image, this.data.dataset.header.valueRange), shape);
  }
}

/** The root of the mean square. */
function spreadOf(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
