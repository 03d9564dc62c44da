import type { Command } from 'commander';
import { count } from '../progress/format.js';
import {
  addExampleFlags,
  addModelFlags,
  type ExampleFlags,
  exampleChoice,
  modelCommand,
  setting,
  useModel,
} from './use-model.js';

interface EncodeFlags extends ExampleFlags {
  readonly logVar?: true;
  readonly labels?: true;
}

const help = `
NPY holds posteriorMean as float32 [examples, latentDim]; --log-var and --labels are files beside it
(<name>-log-var.npy, <name>-labels.npy). CSV holds all in one table.

Examples:
  $ elbo encode mnist                       <run>-encoded-test.npy in the current folder
  $ elbo encode mnist --split train --labels --out train.csv
  $ elbo encode mnist --input new-digits.npy --log-var`;

export function encodeCommand(): Command {
  const command = modelCommand('encode', 'write the posteriors of examples')
    .description('Writes the mean of q(z|x) for every example, as NPY or CSV.')
    .option('--log-var', 'the log-variances of the posteriors too')
    .option('--labels', 'the labels of the examples too')
    .option('--out <path>', '.npy or .csv, or a folder (<run>-encoded-<split>.npy in the current folder)');
  return addExampleFlags(addModelFlags(command)).addHelpText('after', help).action(encode);
}

async function encode(wanted: string, flags: EncodeFlags): Promise<void> {
  const { encodeExamples } = await import('../model/encode.js');
  const chosen = { logVar: flags.logVar === true, labels: flags.labels === true };
  await useModel(
    wanted,
    flags,
    (opened) => encodeExamples(opened, { ...flags, ...exampleChoice(flags), ...chosen }),
    (result) => [`${setting(result)}: encoded into ${count(result.latentDim)} dimensions`],
  );
}
