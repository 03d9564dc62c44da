import type { ScoresResult } from '@elbo/protocol/model-results';
import type { Command } from 'commander';
import { nats, terms } from '../progress/format.js';
import { textTable } from '../progress/table.js';
import { wholeNumber } from './parsers.js';
import {
  addExampleFlags,
  addModelFlags,
  type ExampleFlags,
  exampleChoice,
  modelCommand,
  setting,
  useModel,
} from './use-model.js';

interface ScoreFlags extends ExampleFlags {
  readonly samples?: number;
  readonly lowest: number;
}

const help = `
The ELBO of an example is a lower bound of ln p(x), in nats: the lower, the more unlike what the model was trained on.
The noise is keyed by the run's seed and the example: the same scores each time.

Examples:
  $ elbo score mnist                        <run>-scores-test.csv in the current folder, and the ten lowest
  $ elbo score sensors --input today.csv --header --samples 16 --out scores.csv`;

export function scoreCommand(): Command {
  const command = modelCommand('score', 'the ELBO of each example: anomaly scores')
    .description('Writes the ELBO and its terms for every example, and names the lowest.')
    .option('--samples <m>', "noise samples for each example (the run's own)", wholeNumber(1, 100_000))
    .option('--lowest <k>', 'how many of the lowest to name', wholeNumber(0, 10_000), 10)
    .option('--out <path>', '.csv or .npy, or a folder (<run>-scores-<split>.csv in the current folder)');
  return addExampleFlags(addModelFlags(command)).addHelpText('after', help).action(score);
}

async function score(wanted: string, flags: ScoreFlags): Promise<void> {
  const { scoreExamples } = await import('../model/score.js');
  await useModel(wanted, flags, (opened) => scoreExamples(opened, { ...flags, ...exampleChoice(flags) }), inWords);
}

function inWords(result: ScoresResult): string[] {
  const rows = result.lowest.map(({ example, elbo, label }) => [
    `  example ${example}`,
    nats(elbo),
    ...(label === null ? [] : [`label ${label}`]),
  ]);
  const mean = `mean ELBO ${terms(result.mean)}, M = ${result.monteCarloSamples}`;
  return [setting(result), mean, ...(rows.length > 0 ? ['the lowest:', textTable(rows)] : [])];
}
