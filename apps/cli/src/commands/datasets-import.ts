import { statSync } from 'node:fs';
import type { ImportOptions } from '@elbo/datasets/importers/import-dataset';
import { Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.js';
import { positive } from './parsers.js';
import { printDataset } from './print-dataset.js';

const help = `
The kind is told by the path: .npy, .csv or .tsv, a folder of PNG files, and IDX for everything else. A second path
is the test split; without one, --test-fraction cuts it from the first: 0.1 takes every tenth example, so shuffle a
source that repeats itself every ten.

Examples:
  $ elbo datasets import digits train-images-idx3-ubyte t10k-images-idx3-ubyte
  $ elbo datasets import embeddings vectors.npy --test-fraction 0.1
  $ elbo datasets import sensors readings.csv --header --label-column kind --test-fraction 0.2
  $ elbo datasets import faces photos/train photos/test
  $ elbo train faces --likelihood gaussian`;

export function importCommand(): Command {
  return new Command('import')
    .description('pack files into a data set and give it a name')
    .argument('<name>', 'lower-case letters, digits and dashes')
    .argument('<path>', 'the training examples: a file, or a folder of PNG files')
    .argument('[test-path]', 'the test examples')
    .option('--kind <kind>', 'idx, npy, csv or png, when the path does not tell', kindNamed)
    .option('--test-fraction <f>', 'keep this part of the examples for testing', fraction)
    .option('--scale <s>', 'multiply values by it (1/255 for bytes, 1 for floats)', positive)
    .option('--labels <path>', 'idx: the labels of the training examples')
    .option('--test-labels <path>', 'idx: the labels of the test examples')
    .option('--header', 'csv: the first line names the columns')
    .option('--label-column <column>', 'csv: the label, by name or by number from 1')
    .option('--delimiter <character>', 'csv: between the columns (, and a tab for .tsv)')
    .option('--replace', 'take the place of a data set of the same name')
    .option('--json', 'describe the result as JSON')
    .addHelpText('after', help)
    .action(importFiles);
}

interface ImportFlags {
  readonly kind?: Kind;
  readonly testFraction?: number;
  readonly scale?: number;
  readonly labels?: string;
  readonly testLabels?: string;
  readonly header?: true;
  readonly labelColumn?: string;
  readonly delimiter?: string;
  readonly replace?: true;
  readonly json?: true;
}

async function importFiles(name: string, train: string, test: string | undefined, flags: ImportFlags): Promise<void> {
  const { importDataset, importOptionsSchema } = await import('@elbo/datasets/importers/import-dataset');
  const { describeDataset } = await import('@elbo/datasets/catalog');
  const parsed = importOptionsSchema.safeParse(importOptions(name, train, test, flags));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${givenAs(issue.path)}: ${issue.message}`);
    throw new UsageError(problems.join('\n'));
  }
  await importDataset(parsed.data);
  printDataset(await describeDataset(name), flags.json === true);
}

const argumentNames = new Map([
  ['name', 'the name'],
  ['train', 'the path'],
  ['test', 'the test path'],
]);

/** An option of the import as the command line has it. */
function givenAs([field]: readonly PropertyKey[]): string {
  if (field === undefined) return 'import';
  const name = String(field);
  return argumentNames.get(name) ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const kinds = ['idx', 'npy', 'csv', 'png'] as const;
type Kind = (typeof kinds)[number];

function importOptions(name: string, train: string, test: string | undefined, flags: ImportFlags): ImportOptions {
  const kind = flags.kind ?? kindOf(train);
  const forKind: Record<Kind, object> = {
    idx: defined({ trainLabels: flags.labels, testLabels: flags.testLabels }),
    csv: defined({
      header: flags.header,
      labelColumn: columnOf(flags.labelColumn),
      delimiter: flags.delimiter ?? (train.endsWith('.tsv') ? '\t' : undefined),
    }),
    npy: {},
    png: {},
  };
  refuseForeignFlags(kind, flags);
  const { testFraction, scale, replace } = flags;
  return { kind, name, train, ...defined({ test, testFraction, scale, replace }), ...forKind[kind] } as ImportOptions;
}

function refuseForeignFlags(kind: Kind, flags: ImportFlags): void {
  const owners: readonly (readonly [Kind, string, unknown])[] = [
    ['idx', '--labels', flags.labels],
    ['idx', '--test-labels', flags.testLabels],
    ['csv', '--header', flags.header],
    ['csv', '--label-column', flags.labelColumn],
    ['csv', '--delimiter', flags.delimiter],
  ];
  for (const [owner, flag, value] of owners) {
    if (value !== undefined && owner !== kind) {
      throw new UsageError(`${flag} is for ${owner}, and this import is of kind ${kind}; --kind chooses another`);
    }
  }
}

function kindOf(path: string): Kind {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return 'png';
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === 'npy') return 'npy';
  return ending === 'csv' || ending === 'tsv' ? 'csv' : 'idx';
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function columnOf(text: string | undefined): string | number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function kindNamed(text: string): Kind {
  const kind = kinds.find((each) => each === text);
  if (!kind) throw new InvalidArgumentError(`It must be one of ${kinds.join(', ')}.`);
  return kind;
}

function fraction(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It must be a number between 0 and 1.');
  return value;
}
