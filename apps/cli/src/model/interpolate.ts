import type { InterpolationResult } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { toUnitRange } from '../run-folder/image-values.js';
import { type ImageShape, renderImageGrid } from '../run-folder/plot/image-grid.js';
import { renderScatter } from '../run-folder/plot/scatter.js';
import { describeExamples, requireIndices } from './chosen-examples.js';
import { type ExampleChoice, type Examples, openExamples } from './examples.js';
import { type LatentPathName, pointBetween } from './latent-path.js';
import { Network } from './network.js';
import { chooseObservationOutput, lookOf, requireShowable, writeObservations } from './observations.js';
import type { OpenedModel } from './open-model.js';
import { writeResult } from './output.js';

export interface InterpolateOptions extends ExampleChoice {
  /** Two examples or more: the way leads from each to the next. */
  readonly anchors: readonly number[];
  /** Points of each leg, both ends counted. */
  readonly steps: number;
  readonly way: LatentPathName;
  readonly out?: string | undefined;
  readonly engine?: EngineName | undefined;
}

/** Decodes points on the way between the posterior means of examples. */
export async function interpolateExamples(
  opened: OpenedModel,
  options: InterpolateOptions,
): Promise<InterpolationResult> {
  const { anchors, steps, way } = options;
  const warnings: string[] = [];
  const examples = await openExamples(opened, options, warnings);
  requireIndices('--anchors', anchors, examples);
  const { exampleShape } = examples;
  const look = lookOf(exampleShape);
  const output = await chooseObservationOutput(options.out, `${opened.label}-interpolation`, exampleShape);
  const legs = anchors.length - 1;
  requireShowable('--steps', output, look, legs * (steps + 2));
  return Network.with(opened, options.engine, async (network) => {
    const originals = network.readAt(examples, anchors);
    const { posteriorMean } = await network.encode(originals);
    const decoded = await network.decode(latentWay(posteriorMean, opened.model.latentDim, options));
    const file =
      output.format === 'png'
        ? await writeResult(output.path, 'png', 'interpolation', picture(network, originals, decoded))
        : await writeObservations(
            output,
            'interpolation',
            decoded,
            exampleShape,
            [
              { name: 'leg', at: (row) => Math.floor(row / steps) },
              { name: 't', at: (row) => (row % steps) / (steps - 1) },
            ],
            [legs, steps],
          );
    return {
      result: 'interpolation',
      model: opened.identity,
      engine: network.engine.name,
      examples: describeExamples(examples),
      anchors: [...anchors],
      steps,
      way,
      files: [file],
      warnings,
    };
  });

  function picture(network: Network, originals: Float32Array, decoded: Float32Array): Uint8Array {
    const title = `between posterior means (${way})`;
    if (look.kind === 'images') {
      return imageRows(examples, originals, decoded, look.shape, steps, `${title}; the examples at both ends`);
    }
    const points = network.read(examples, { begin: 0, end: Math.min(2000, examples.count) });
    const data = { label: `${examples.split ?? 'input'} data`, points };
    return renderScatter(data, { label: 'interpolation', points: decoded }, title);
  }
}

/** [legs * steps, latentDim] */
function latentWay(means: Float32Array, latentDim: number, { anchors, steps, way }: InterpolateOptions): Float32Array {
  const z = new Float32Array((anchors.length - 1) * steps * latentDim);
  const meanOf = (i: number) => means.subarray(i * latentDim, (i + 1) * latentDim);
  for (let leg = 0; leg < anchors.length - 1; leg++) {
    for (let step = 0; step < steps; step++) {
      const point = pointBetween(way, meanOf(leg), meanOf(leg + 1), step / (steps - 1));
      z.set(point, (leg * steps + step) * latentDim);
    }
  }
  return z;
}

/** A row for each leg: the example, what lies between, the next example. */
function imageRows(
  { valueRange }: Examples,
  originals: Float32Array,
  decoded: Float32Array,
  shape: ImageShape,
  steps: number,
  title: string,
): Uint8Array {
  const size = shape.height * shape.width * shape.channels;
  const columns = steps + 2;
  const legs = decoded.length / (steps * size);
  const images = new Float32Array(legs * columns * size);
  for (let leg = 0; leg < legs; leg++) {
    const row = leg * columns * size;
    images.set(originals.subarray(leg * size, (leg + 1) * size), row);
    images.set(decoded.subarray(leg * steps * size, (leg + 1) * steps * size), row + size);
    images.set(originals.subarray((leg + 1) * size, (leg + 2) * size), row + (steps + 1) * size);
  }
  return renderImageGrid(toUnitRange(images, valueRange), legs * columns, shape, columns, title);
}
