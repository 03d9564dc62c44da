import { type SplitName, splitNameSchema } from '@elbo/protocol/messages';
import type { ModelResult } from '@elbo/protocol/model-results';
import { type EngineName, engineNames } from '@elbo/protocol/run-spec';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import type { ExampleChoice } from '../model/examples.js';
import { type InputKind, inputKinds } from '../model/input-choice.js';
import type { OpenedModel } from '../model/open-model.js';
import { count, printable } from '../progress/format.js';
import { positive } from './parsers.js';
import { print } from './print.js';

/** Flags of every command that computes with a trained model. */
export interface ModelFlags {
  readonly out?: string;
  readonly engine?: EngineName;
  readonly json?: true;
}

/** Flags of the commands that take examples. */
export interface ExampleFlags extends ModelFlags {
  readonly split?: SplitName;
  readonly input?: string;
  readonly kind?: InputKind;
  readonly scale?: number;
  readonly header?: true;
  readonly labelColumn?: string;
  readonly delimiter?: string;
}

export function modelCommand(name: string, summary: string): Command {
  return new Command(name)
    .summary(summary)
    .argument('<model>', "a run's folder, its id or name under runs/, or a .safetensors file");
}

export function addModelFlags(command: Command): Command {
  return command
    .addOption(new Option('--engine <name>', "what computes (the run's own)").choices(engineNames))
    .option('--json', 'print the result as JSON, and nothing else');
}

export function addExampleFlags(command: Command): Command {
  const options = [
    new Option('--split <name>', "of the model's data set (test, and train where there is none)").choices(
      splitNameSchema.options,
    ),
    new Option('--input <path>', 'other examples: an IDX, NPY or CSV file, or a folder of PNG files'),
    new Option('--kind <kind>', 'idx, npy, csv or png, when the path does not tell').choices(inputKinds),
    new Option('--scale <s>', "multiply the input's values by it (as the model's data set has it)").argParser(positive),
    new Option('--header', 'csv: the first line names the columns'),
    new Option('--label-column <column>', 'csv: the label, by name or by number from 1'),
    new Option('--delimiter <character>', 'csv: between the columns (, and a tab for .tsv)'),
  ];
  for (const option of options) command.addOption(option.helpGroup('The examples:'));
  return command;
}

/** @throws UsageError for flags that exclude each other */
export function exampleChoice(flags: ExampleFlags): Required<ExampleChoice> {
  const { split, input, kind, scale, header, labelColumn, delimiter } = flags;
  if (input === undefined) {
    const foreign = {
      '--kind': kind,
      '--scale': scale,
      '--header': header,
      '--label-column': labelColumn,
      '--delimiter': delimiter,
    };
    const given = Object.entries(foreign).find(([, value]) => value !== undefined);
    if (given) throw new UsageError(`${given[0]} says how to read --input, which is not there`);
    return { split, input: undefined };
  }
  if (split !== undefined) throw new UsageError('--split and --input exclude each other: a file has no splits');
  if (delimiter !== undefined && delimiter.length !== 1) throw new UsageError('--delimiter is one character');
  const column = labelColumn !== undefined && /^[1-9]\d*$/.test(labelColumn) ? Number(labelColumn) : labelColumn;
  return { split, input: { path: input, kind, scale, header, labelColumn: column, delimiter } };
}

/** Opens the model, uses it, and prints the result: as JSON, or in words. */
export async function useModel<Result extends ModelResult>(
  wanted: string,
  flags: ModelFlags,
  use: (opened: OpenedModel) => Promise<Result>,
  inWords: (result: Result) => readonly string[],
): Promise<void> {
  const { openModel } = await import('../model/open-model.js');
  const result = await use(await openModel(wanted));
  if (flags.json) return print(JSON.stringify(result));
  for (const warning of result.warnings) process.stderr.write(`elbo: warning: ${printable(warning)}\n`);
  for (const line of inWords(result)) print(line);
  for (const { content, path } of result.files) print(`${content}: ${path}`);
}

/** `mnist-1a2b3c4d at step 47, 10,000 test examples of mnist` */
export function setting({ model, examples }: Extract<ModelResult, { examples: unknown }>): string {
  const split = examples.split ? `${examples.split} examples of ` : 'examples of ';
  return `${model.runId ?? model.path} at step ${model.step}, ${count(examples.count)} ${split}${examples.source}`;
}

/** A parser for a list of indices: `3,14,15`. */
export function indices(text: string): number[] {
  if (!/^\d{1,9}(,\d{1,9})*$/.test(text)) {
    throw new InvalidArgumentError('It must be numbers of examples, counted from 0, with commas between: 3,14,15.');
  }
  return text.split(',').map(Number);
}
