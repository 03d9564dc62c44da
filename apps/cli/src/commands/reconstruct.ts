import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { count } from '../progress/format.js';
import { wholeNumber } from './parsers.js';
import {
  addExampleFlags,
  addModelFlags,
  type ExampleFlags,
  exampleChoice,
  indices,
  modelCommand,
  setting,
  useModel,
} from './use-model.js';

interface ReconstructFlags extends ExampleFlags {
  readonly examples?: readonly number[];
  readonly count?: number;
  readonly columns: number;
}

const help = `
Examples:
  $ elbo reconstruct mnist                  the first 50 test images, and below each its reconstruction
  $ elbo reconstruct mnist --examples 3,14,15,92 --out four.png
  $ elbo reconstruct mnist --input digits.npy --out reconstructed.npy`;

export function reconstructCommand(): Command {
  const command = modelCommand('reconstruct', 'put examples through a trained model')
    .description("Encodes examples and decodes their posteriors' means: a PNG of images, else an array.")
    .option('--count <n>', 'the first n examples (50 images, or 2000 of anything else)', wholeNumber(1, 1e9))
    .addOption(new Option('--examples <list>', 'these examples, counted from 0').argParser(indices))
    .option('--columns <n>', 'images in a row', wholeNumber(1, 1000), 10)
    .option(
      '--out <path>',
      '.png, .npy or .csv, or a folder (<run>-reconstructions-<split>.png in the current folder)',
    );
  return addExampleFlags(addModelFlags(command)).addHelpText('after', help).action(reconstruct);
}

async function reconstruct(wanted: string, flags: ReconstructFlags): Promise<void> {
  if (flags.examples && flags.count) throw new UsageError('--examples and --count exclude each other');
  const { reconstructExamples } = await import('../model/reconstruct.js');
  const { examples, ...rest } = flags;
  await useModel(
    wanted,
    flags,
    (opened) => reconstructExamples(opened, { ...rest, ...exampleChoice(flags), indices: examples }),
    (result) => [`${setting(result)}: ${count(result.indices.length)} of them reconstructed`],
  );
}
