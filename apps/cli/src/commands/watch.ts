import { Command } from 'commander';
import { findRun, runArgument } from '../cluster/find-run.js';
import { UsageError } from '../errors.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { type WatchFlags, watchToItsEnd } from './watch-to-its-end.js';

const help = `
Shows what is kept of the run so far, and then what comes. Ends when the run does: with 0 when it is completed, with 1
when it failed or was cancelled. Ctrl-C ends the watching, not the run.

Examples:
  $ elbo watch latest
  $ elbo watch mnist-1a2b --json | jq -c 'select(.event == "epoch")'`;

export function watchCommand(): Command {
  const command = new Command('watch')
    .summary('watch a run of a cluster')
    .description('Watches a run of a cluster, with the progress that `elbo train` shows.')
    .argument('<run>', runArgument)
    .option('--json', 'print events as JSON, one a line, and nothing else')
    .option('--quiet', 'print warnings and the end only');
  return addClusterFlags(command).addHelpText('after', help).action(watch);
}

async function watch(wanted: string, flags: ClusterFlags & WatchFlags): Promise<void> {
  if (flags.json && flags.quiet) throw new UsageError('--json and --quiet exclude each other');
  const client = await connect(flags);
  const { runId } = await findRun(client, wanted);
  await watchToItsEnd(client, runId, flags);
}
