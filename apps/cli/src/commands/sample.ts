import { type Command, Option } from 'commander';
import { count } from '../progress/format.js';
import { wholeNumber } from './parsers.js';
import { addModelFlags, type ModelFlags, modelCommand, useModel } from './use-model.js';

interface SampleFlags extends ModelFlags {
  readonly count?: number;
  readonly columns: number;
  readonly seed?: number;
  readonly values?: 'mean' | 'draw';
}

const help = `
Each sample is keyed by the seed and its number: the same seed gives the same samples, and more of them begin with
the same ones. Without --seed they are those of the run's samples.png.

Examples:
  $ elbo sample mnist                       a picture of 100 digits in the current folder
  $ elbo sample runs/mnist-1a2b3c4d --count 25 --columns 5 --seed 7 --out digits.png
  $ elbo sample gaussian-mixture --count 100000 --out points.npy`;

export function sampleCommand(): Command {
  const command = modelCommand('sample', 'draw from a trained model')
    .description('Draws z from the prior and x from the likelihood: a PNG of images, else an array.')
    .option('--count <n>', 'how many (100 images, or 2000 of anything else)', wholeNumber(1, 1e9))
    .option('--columns <n>', 'images in a row', wholeNumber(1, 1000), 10)
    .option('--seed <n>', "decides the draws (the run's seed)", wholeNumber(0, 0xffff_ffff))
    .addOption(
      new Option('--values <which>', "the likelihood's mean at z (mean: of images), or a draw (draw: else)").choices([
        'mean',
        'draw',
      ]),
    )
    .option('--out <path>', '.png, .npy or .csv, or a folder (<run>-samples.png in the current folder)');
  return addModelFlags(command).addHelpText('after', help).action(sample);
}

async function sample(wanted: string, flags: SampleFlags): Promise<void> {
  const { sampleModel } = await import('../model/sample.js');
  await useModel(
    wanted,
    flags,
    (opened) => sampleModel(opened, flags),
    (result) => [
      `${result.model.runId ?? result.model.path} at step ${result.model.step}: ${count(result.count)} samples ` +
        `(${result.values === 'mean' ? 'means' : 'draws'}) under seed ${result.seed}`,
    ],
  );
}
