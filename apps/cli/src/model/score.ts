import type { ResultFile, ScoresResult } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { meanTerms } from '@elbo/vae-core/objectives/sum-terms';
import { describeExamples, examplesName } from './chosen-examples.js';
import { type ExampleChoice, type Examples, openExamples } from './examples.js';
import { Network } from './network.js';
import type { OpenedModel } from './open-model.js';
import { chooseOutput, type Output, writeCsv, writeNpy } from './output.js';
import { computeTerms, type ExampleTerms } from './terms.js';

export interface ScoreOptions extends ExampleChoice {
  /** M: the run's own when left out. */
  readonly samples?: number | undefined;
  /** How many of the lowest to name. */
  readonly lowest: number;
  readonly out?: string | undefined;
  readonly engine?: EngineName | undefined;
}

/** The ELBO of each example, a lower bound of ln p(x): the lower, the more unlike the training data. */
export async function scoreExamples(opened: OpenedModel, options: ScoreOptions): Promise<ScoresResult> {
  const warnings: string[] = [];
  const examples = await openExamples(opened, options, warnings);
  const output = await chooseOutput(options.out, `${opened.label}-scores-${examplesName(examples)}`, 'csv', [
    'csv',
    'npy',
  ]);
  const samples = options.samples ?? opened.spec.objective.monteCarloSamples;
  return Network.with(opened, options.engine, async (network) => {
    const terms = await computeTerms(network, examples, samples);
    const elbo = terms.reconstructionLogProb.map((value, i) => value - (terms.klDivergence[i] as number));
    return {
      result: 'scores',
      model: opened.identity,
      engine: network.engine.name,
      examples: describeExamples(examples),
      monteCarloSamples: samples,
      mean: meanTerms(terms.sums),
      lowest: lowestOf(elbo, examples.labels, options.lowest),
      files: [await writeScores(output, elbo, terms, examples)],
      warnings,
    };
  });
}

/** Ties go to the smaller index. */
function lowestOf(elbo: Float32Array, labels: Examples['labels'], count: number): ScoresResult['lowest'] {
  const order = Array.from(elbo.keys()).sort((a, b) => (elbo[a] as number) - (elbo[b] as number) || a - b);
  return order
    .slice(0, count)
    .map((example) => ({ example, elbo: elbo[example] as number, label: labels?.[example] ?? null }));
}

/** CSV with a header, or NPY [n, 3]: elbo, reconstructionLogProb, klDivergence. */
function writeScores(
  { path, format }: Output,
  elbo: Float32Array,
  { reconstructionLogProb, klDivergence }: ExampleTerms,
  { count, labels }: Examples,
): Promise<ResultFile> {
  const terms = { elbo, reconstructionLogProb, klDivergence };
  if (format === 'npy') {
    const table = new Float32Array(count * 3);
    Object.values(terms).forEach((values, j) => {
      values.forEach((value, i) => {
        table[3 * i + j] = value;
      });
    });
    return writeNpy(path, 'scores', table, [count, 3]);
  }
  const columns = [
    { name: 'example', at: (row: number) => row },
    ...Object.entries(terms).map(([name, values]) => ({ name, at: (row: number) => values[row] as number })),
    ...(labels ? [{ name: 'label', at: (row: number) => labels[row] as number }] : []),
  ];
  return writeCsv(path, 'scores', columns, count);
}
