import type { ReconstructionsResult } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { toUnitRange } from '../run-folder/image-values.js';
import { renderReconstructions } from '../run-folder/plot/image-grid.js';
import { renderScatter } from '../run-folder/plot/scatter.js';
import { describeExamples, examplesName, requireIndices } from './chosen-examples.js';
import { type ExampleChoice, openExamples } from './examples.js';
import { Network } from './network.js';
import { chooseObservationOutput, lookOf, requireShowable, writeObservations } from './observations.js';
import type { OpenedModel } from './open-model.js';
import { writeResult } from './output.js';

export interface ReconstructOptions extends ExampleChoice {
  /** These examples; the first `count` when left out. */
  readonly indices?: readonly number[] | undefined;
  /** 50 images, or 2000 of anything else, when left out. */
  readonly count?: number | undefined;
  readonly columns: number;
  readonly out?: string | undefined;
  readonly engine?: EngineName | undefined;
}

/** Examples through the model: the decoder's mean at the posterior's mean. */
export async function reconstructExamples(
  opened: OpenedModel,
  options: ReconstructOptions,
): Promise<ReconstructionsResult> {
  const warnings: string[] = [];
  const examples = await openExamples(opened, options, warnings);
  const { exampleShape, valueRange } = examples;
  const look = lookOf(exampleShape);
  const stem = `${opened.label}-reconstructions-${examplesName(examples)}`;
  const output = await chooseObservationOutput(options.out, stem, exampleShape);
  const count = Math.min(options.count ?? (look.kind === 'images' ? 50 : 2000), examples.count);
  const indices = options.indices ?? Array.from({ length: count }, (_, i) => i);
  requireIndices('--examples', indices, examples);
  requireShowable('--count', output, look, 2 * indices.length);
  return Network.with(opened, options.engine, async (network) => {
    const originals = network.readAt(examples, indices);
    const { posteriorMean } = await network.encode(originals);
    const reconstructions = await network.decode(posteriorMean);
    const file =
      output.format === 'png'
        ? await writeResult(output.path, 'png', 'reconstructions', picture(originals, reconstructions))
        : await writeObservations(output, 'reconstructions', reconstructions, exampleShape, [
            { name: 'example', at: (row) => indices[row] as number },
          ]);
    return {
      result: 'reconstructions',
      model: opened.identity,
      engine: network.engine.name,
      examples: describeExamples(examples),
      indices: [...indices],
      files: [file],
      warnings,
    };
  });

  function picture(originals: Float32Array, reconstructions: Float32Array): Uint8Array {
    const name = examples.split ?? 'input';
    if (look.kind !== 'images') {
      const data = { label: `${name} data`, points: originals };
      return renderScatter(data, { label: 'reconstructions', points: reconstructions }, 'Reconstructions');
    }
    return renderReconstructions(
      toUnitRange(originals, valueRange),
      toUnitRange(reconstructions, valueRange),
      indices.length,
      look.shape,
      Math.min(options.columns, indices.length),
      `${name} images, and below each its reconstruction`,
    );
  }
}
