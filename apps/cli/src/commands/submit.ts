import { type Priority, prioritySchema } from '@elbo/protocol/cluster';
import { Command, Option } from 'commander';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { wholeNumber } from './parsers.js';
import { addSpecFlags, typedFlags } from './spec-options.js';
import { watchToItsEnd } from './watch-to-its-end.js';

interface SubmitFlags extends ClusterFlags {
  readonly priority: Priority;
  readonly workerLimit?: number;
  readonly watch?: true;
  readonly json?: true;
}

const help = `
The spec is read and checked here; the run then waits in the cluster's queue until a coordinator takes it. This command
prints its id, or with --watch the run itself, as \`elbo watch\` does: Ctrl-C ends the watching, not the run.

Examples:
  $ export ELBO_TOKEN=...                     the cluster's, as its coordinator has it
  $ elbo submit mnist --epochs 3 --watch
  $ elbo submit my-run.yaml --server http://gpu-less.local:7351 --priority high --worker-limit 8
  $ run=$(elbo submit my-run.yaml) && elbo watch $run && elbo download $run`;

export function submitCommand(): Command {
  const command = new Command('submit')
    .summary('give a run to a cluster')
    .description('Puts a run into the queue of a cluster, and prints its id.')
    .argument('<dataset | spec.yaml>', 'as for `elbo train`');
  const options = [
    new Option('--priority <which>', 'of the waiting runs, and of shards among running ones')
      .choices(prioritySchema.options)
      .default('normal'),
    new Option('--worker-limit <n>', 'workers that may compute for it at the same time (all)').argParser(
      wholeNumber(1, 1024),
    ),
    new Option('--watch', 'watch it to its end'),
    new Option('--json', 'print the new run as JSON; with --watch its events, one a line'),
  ];
  addSpecFlags(command);
  for (const option of options) command.addOption(option);
  return addClusterFlags(command).addHelpText('after', help).action(submit);
}

async function submit(argument: string, flags: SubmitFlags, command: Command): Promise<void> {
  const spec = resolveSpec(await readSpec(argument), typedFlags(command));
  const client = await connect(flags);
  const { priority, workerLimit = null } = flags;
  const run = await client.submit({ spec, priority, workerLimit });
  if (flags.watch) {
    // Told at once: a watcher that is cut off can come back.
    if (!flags.json) process.stdout.write(`run ${run.runId}\n`);
    return watchToItsEnd(client, run.runId, flags.json ? { json: true } : {});
  }
  process.stdout.write(`${flags.json ? JSON.stringify(run) : run.runId}\n`);
}
