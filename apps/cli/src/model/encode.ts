import type { EncodingResult, ResultFile } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { UsageError } from '../errors.js';
import { matrixColumns } from '../formats/csv.js';
import { describeExamples, examplesName } from './chosen-examples.js';
import { type ExampleChoice, type Examples, openExamples } from './examples.js';
import { Network, type Posteriors } from './network.js';
import type { OpenedModel } from './open-model.js';
import { besides, chooseOutput, type Output, writeCsv, writeNpy } from './output.js';

export interface EncodeOptions extends ExampleChoice {
  /** posteriorLogVar too. */
  readonly logVar: boolean;
  /** The examples' labels too. */
  readonly labels: boolean;
  readonly out?: string | undefined;
  readonly engine?: EngineName | undefined;
}

/** The posteriors of examples: NPY arrays [n, latentDim], one a file, or one CSV table. */
export async function encodeExamples(opened: OpenedModel, options: EncodeOptions): Promise<EncodingResult> {
  const warnings: string[] = [];
  const examples = await openExamples(opened, options, warnings);
  if (options.labels && !examples.labels) throw new UsageError(`--labels: ${examples.source} has no labels`);
  const output = await chooseOutput(options.out, `${opened.label}-encoded-${examplesName(examples)}`, 'npy', [
    'npy',
    'csv',
  ]);
  return Network.with(opened, options.engine, async (network) => {
    const posteriors = await network.encodeAll(examples);
    const { latentDim } = opened.model;
    const write = output.format === 'npy' ? writeArrays : writeTable;
    return {
      result: 'encoding',
      model: opened.identity,
      engine: network.engine.name,
      examples: describeExamples(examples),
      latentDim,
      files: await write(output, posteriors, examples, latentDim, options),
      warnings,
    };
  });
}

async function writeArrays(
  output: Output,
  { posteriorMean, posteriorLogVar }: Posteriors,
  { count, labels }: Examples,
  latentDim: number,
  options: EncodeOptions,
): Promise<ResultFile[]> {
  const files = [await writeNpy(output.path, 'posteriorMean', posteriorMean, [count, latentDim])];
  if (options.logVar) {
    files.push(await writeNpy(besides(output, 'log-var'), 'posteriorLogVar', posteriorLogVar, [count, latentDim]));
  }
  if (options.labels && labels) files.push(await writeNpy(besides(output, 'labels'), 'labels', labels, [count]));
  return files;
}

async function writeTable(
  output: Output,
  { posteriorMean, posteriorLogVar }: Posteriors,
  { count, labels }: Examples,
  latentDim: number,
  options: EncodeOptions,
): Promise<ResultFile[]> {
  const columns = [
    ...matrixColumns('mean', posteriorMean, latentDim),
    ...(options.logVar ? matrixColumns('logVar', posteriorLogVar, latentDim) : []),
    ...(options.labels && labels ? [{ name: 'label', at: (row: number) => labels[row] as number }] : []),
  ];
  return [await writeCsv(output.path, 'posterior', columns, count)];
}
