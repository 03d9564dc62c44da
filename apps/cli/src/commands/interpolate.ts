import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { type LatentPathName, latentPathNames } from '../model/latent-path.js';
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

interface InterpolateFlags extends ExampleFlags {
  readonly from?: number;
  readonly to?: number;
  readonly anchors?: readonly number[];
  readonly steps: number;
  readonly way: LatentPathName;
}

const help = `
Examples:
  $ elbo interpolate mnist --from 3 --to 14
  $ elbo interpolate mnist --anchors 3,14,15,92,3 --steps 12 --out round-trip.png`;

export function interpolateCommand(): Command {
  const command = modelCommand('interpolate', 'go from one example to another in latent space')
    .description("Decodes points on the way between examples' posterior means: a row for each leg.")
    .option('--from <i>', 'the first example, counted from 0 (0)', wholeNumber(0, 1e9))
    .option('--to <j>', 'the last example (1)', wholeNumber(0, 1e9))
    .addOption(
      new Option('--anchors <list>', 'several examples: the way leads from each to the next').argParser(indices),
    )
    .option('--steps <n>', 'points of each leg, both ends counted', wholeNumber(2, 1000), 10)
    .addOption(new Option('--way <kind>', 'between two means').choices(latentPathNames).default('spherical'))
    .option('--out <path>', '.png, .npy or .csv, or a folder (<run>-interpolation.png in the current folder)');
  return addExampleFlags(addModelFlags(command)).addHelpText('after', help).action(interpolate);
}

async function interpolate(wanted: string, flags: InterpolateFlags): Promise<void> {
  const anchors = anchorsOf(flags);
  const { interpolateExamples } = await import('../model/interpolate.js');
  await useModel(
    wanted,
    flags,
    (opened) => interpolateExamples(opened, { ...flags, ...exampleChoice(flags), anchors }),
    (result) => [`${setting(result)}: ${result.way} from ${result.anchors.join(' to ')}, ${result.steps} points a leg`],
  );
}

function anchorsOf({ from, to, anchors }: InterpolateFlags): readonly number[] {
  if (!anchors) return [from ?? 0, to ?? 1];
  if (from !== undefined || to !== undefined) throw new UsageError('--anchors takes the place of --from and --to');
  if (anchors.length < 2) throw new UsageError('--anchors: two examples or more make a way');
  return anchors;
}
