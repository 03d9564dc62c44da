import { Command } from 'commander';
import { findRun, runArgument } from '../cluster/find-run.js';
import { JsonLines } from '../progress/json-lines.js';
import { LogLines } from '../progress/log-lines.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { stopOnSignals } from './stop-signals.js';

interface LogsFlags extends ClusterFlags {
  readonly follow?: true;
  readonly json?: true;
}

const help = `
What is kept of the run's events, oldest first: steps are thinned, and of a long run the first are gone; metrics.ndjson in
its folder has all (\`elbo download\`).

Examples:
  $ elbo logs latest --follow
  $ elbo logs mnist-1a2b --json | jq -c 'select(.level == "warning")'`;

export function logsCommand(): Command {
  const command = new Command('logs')
    .summary('what happened in a run of a cluster')
    .description("Prints a run's events as lines of a log: what was computed, saved, given out again, refused.")
    .argument('<run>', runArgument)
    .option('--follow', 'go on until the run is over')
    .option('--json', 'as JSON, one event a line');
  return addClusterFlags(command).addHelpText('after', help).action(logs);
}

async function logs(wanted: string, flags: LogsFlags): Promise<void> {
  const client = await connect(flags);
  const { runId } = await findRun(client, wanted);
  const [{ watchRun }, { readHistory }] = await Promise.all([
    import('../cluster/watch-run.js'),
    import('../cluster/read-history.js'),
  ]);
  const sink = flags.json ? new JsonLines(process.stdout) : new LogLines(process.stdout);
  const stop = stopOnSignals();
  const notices = {
    state: () => {},
    connection: (message: string) => process.stderr.write(`elbo: ${message}\n`),
  };
  try {
    const read = flags.follow ? watchRun : readHistory;
    await read(client, runId, sink, notices, stop.signal);
    const code = stop.exitCode();
    if (code !== null) process.exitCode = code;
  } finally {
    stop.release();
  }
}
