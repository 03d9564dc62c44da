import { Command } from 'commander';
import { ago, bytes, count, printable } from '../progress/format.js';
import { textTable } from '../progress/table.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { print } from './print.js';

interface WorkersFlags extends ClusterFlags {
  readonly json?: true;
}

const help = `
Examples:
  $ elbo workers
  $ elbo workers --json | jq -s 'map(.examplesPerSecond) | add'`;

export function workersCommand(): Command {
  const command = new Command('workers')
    .summary('list the workers of a cluster')
    .description('Lists the workers of a cluster: where they are, what they compute and how fast.')
    .option('--json', 'as JSON, one worker a line');
  return addClusterFlags(command).addHelpText('after', help).action(listWorkers);
}

async function listWorkers(flags: WorkersFlags): Promise<void> {
  const workers = await (await connect(flags)).workers();
  if (flags.json) {
    for (const worker of workers) print(JSON.stringify(worker));
    return;
  }
  if (workers.length === 0) {
    print('no workers: start some with `elbo worker`');
    return;
  }
  const now = Date.now();
  const rows = workers.map((each) => [
    each.workerId,
    printable(each.host),
    count(each.threads),
    `${Math.round(100 * each.load)} %`,
    count(each.examplesPerSecond),
    count(each.shardsDone),
    count(each.shardsFailed),
    bytes(each.residentBytes),
    ago(now - each.lastSeenAt),
    each.runs.join(' '),
  ]);
  const heads = ['worker', 'host', 'threads', 'load', 'examples/s', 'shards', 'failed', 'memory', 'seen', 'runs'];
  print(textTable([heads, ...rows]));
}
