import type { EvaluationResult } from '@elbo/protocol/model-results';
import type { Command } from 'commander';
import { nats } from '../progress/format.js';
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

interface EvaluateFlags extends ExampleFlags {
  readonly samples?: number;
  readonly importanceSamples?: number;
}

const help = `
On the test split, with the run's own samples, the figures are those of the run's last epoch, to the last bit on
machines of one CPU type. The importance-weighted bound (Burda et al. 2016) is nearer to ln p(x) the more samples it
has, and takes as many times the work of the ELBO.

Examples:
  $ elbo evaluate mnist
  $ elbo evaluate mnist --importance-samples 100
  $ elbo evaluate mnist --split train --json | jq .klPerDimension`;

export function evaluateCommand(): Command {
  const command = modelCommand('evaluate', 'the ELBO and its terms over a split')
    .description('Computes the ELBO, its terms, the KL of each latent dimension, and a tighter bound where asked for.')
    .option('--samples <m>', "noise samples for each example (the run's own)", wholeNumber(1, 100_000))
    .option(
      '--importance-samples <k>',
      'compute the importance-weighted bound with k samples',
      wholeNumber(1, 100_000),
    );
  return addExampleFlags(addModelFlags(command)).addHelpText('after', help).action(evaluate);
}

async function evaluate(wanted: string, flags: EvaluateFlags): Promise<void> {
  const { evaluateModel } = await import('../model/evaluate.js');
  const onProgress = process.stderr.isTTY && !flags.json ? showPart : undefined;
  await useModel(
    wanted,
    flags,
    (opened) => evaluateModel(opened, { ...flags, ...exampleChoice(flags), onProgress }),
    inWords,
  );
}

function inWords(result: EvaluationResult): string[] {
  const { elbo, reconstructionLogProb, klDivergence, klPerDimension, importanceWeighted } = result;
  const rows = [
    ['ELBO', nats(elbo)],
    ['reconstruction', nats(reconstructionLogProb)],
    ['KL', nats(klDivergence)],
    ['active units', `${result.activeUnits} of ${klPerDimension.length} (their KL is over 0.01)`],
    ['KL by dimension', klPerDimension.map(nats).join(' ')],
    ...(importanceWeighted
      ? [['importance-weighted', `${nats(importanceWeighted.bound)} with ${importanceWeighted.samples} samples`]]
      : []),
  ];
  return [`${setting(result)}; nats for each example, M = ${result.monteCarloSamples}`, textTable(rows)];
}

function showPart(part: number): void {
  process.stderr.write(`\rimportance-weighted bound: ${Math.floor(100 * part)} %${part === 1 ? '\n' : ''}`);
}
