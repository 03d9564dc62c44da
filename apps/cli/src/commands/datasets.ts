import type { CachedFile } from '@elbo/datasets/cache-room';
import { Command } from 'commander';
import { count, plural, printable } from '../progress/format.js';
import { textTable } from '../progress/table.js';
import { importCommand } from './datasets-import.js';
import { print } from './print.js';
import { printDataset, shapeOf, whereIs } from './print-dataset.js';
import { requireNoName } from './require-no-name.js';

export function datasetsCommand(): Command {
  const command = new Command('datasets')
    .summary('list, describe and import data sets')
    .description('Lists data sets, describes one, imports files as one.');
  command
    .command('list', { isDefault: true })
    .description('list the data sets that `elbo train` knows')
    .option('--json', 'as JSON, one data set a line')
    .action(list);
  command
    .command('show')
    .description('describe a data set')
    .argument('<name>')
    .option('--json', 'as JSON')
    .action(show);
  command
    .command('cache')
    .description('show what the cache holds; the least recently used is removed when it is over its limit')
    .option('--prune', 'remove what is not in use and can be had again (never imported data sets)')
    .option('--json', 'as JSON, one file a line')
    .action(showCache);
  command.addCommand(importCommand());
  return command;
}

async function list(flags: { json?: true }, { args }: Command): Promise<void> {
  requireNoName('datasets', 'data set', args);
  const { listDatasets } = await import('@elbo/datasets/catalog');
  const datasets = await listDatasets();
  if (flags.json) {
    for (const each of datasets)
      print(JSON.stringify('problem' in each ? { name: each.name, problem: each.problem.message } : each));
    return;
  }
  const rows = datasets.map((each) =>
    'problem' in each
      ? [each.name, 'cannot be used', '', printable(each.problem.message)]
      : [each.name, `${count(each.trainExamples)} + ${count(each.testExamples)}`, shapeOf(each), whereIs(each)],
  );
  print(textTable([['name', 'train + test', 'an example', 'where'], ...rows]));
}

async function show(name: string, flags: { json?: true }): Promise<void> {
  const { describeDataset } = await import('@elbo/datasets/catalog');
  printDataset(await describeDataset(name), flags.json === true);
}

async function showCache(flags: { prune?: true; json?: true }): Promise<void> {
  const { DatasetCache } = await import('@elbo/datasets/cache');
  const { listCachedFiles, pruneCache } = await import('@elbo/datasets/cache-room');
  const cache = new DatasetCache();
  const files = flags.prune ? await pruneCache(cache) : await listCachedFiles(cache);
  if (flags.json) {
    for (const file of files) print(JSON.stringify(file));
    return;
  }
  const rows = files.map((file) => [
    file.name ?? file.hash.slice(0, 12),
    `${(file.bytes / 2 ** 20).toFixed(1)} MiB`,
    new Date(file.usedAt).toISOString().slice(0, 16).replace('T', ' '),
    remarkOn(file),
  ]);
  if (rows.length > 0) print(textTable([['data set', 'size', 'last used (UTC)', ''], ...rows]));
  const bytes = files.reduce((sum, file) => sum + (file.replaceable ? file.bytes : 0), 0);
  const mebibytes = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  print(
    flags.prune
      ? `removed ${plural(files.length, 'file')}, ${mebibytes}, from ${cache.folder}`
      : `${mebibytes} of at most ${(cache.limitBytes / 2 ** 30).toFixed(1)} GiB in ${cache.folder}; imported data sets do not count`,
  );
}

function remarkOn({ name, replaceable, inUse, partial }: CachedFile): string {
  if (name !== null) return 'imported: kept';
  if (!replaceable) return 'kept: a damaged name may be its';
  return inUse ? 'in use' : partial ? 'part of a fetch' : '';
}
