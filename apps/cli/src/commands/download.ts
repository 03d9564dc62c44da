import { join } from 'node:path';
import { Command } from 'commander';
import { findRun, runArgument } from '../cluster/find-run.js';
import { exitCodes } from '../exit-codes.js';
import { bytes } from '../progress/format.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { folder } from './parsers.js';
import { print } from './print.js';
import { stopOnSignals } from './stop-signals.js';

interface DownloadFlags extends ClusterFlags {
  readonly out?: string;
  readonly list?: true;
  readonly json?: true;
}

const help = `
The folder is then like that of a run of this machine: \`elbo sample <run>\` and its like find it under runs/. A run that
is not over has what it saved last.

Examples:
  $ elbo download mnist-1a2b && elbo sample mnist-1a2b3c4d
  $ elbo download mnist-1a2b --out /tmp/mnist
  $ elbo download mnist-1a2b --list`;

export function downloadCommand(): Command {
  const command = new Command('download')
    .summary('fetch the folder of a run of a cluster')
    .description("Fetches the files of a run's folder: model, metrics, curves, pictures.")
    .argument('<run>', runArgument)
    .option('--out <folder>', 'a folder that is new or empty (runs/<run>)', folder)
    .option('--list', 'only list the files')
    .option('--json', 'print the files as JSON, one a line');
  return addClusterFlags(command).addHelpText('after', help).action(download);
}

async function download(wanted: string, flags: DownloadFlags): Promise<void> {
  const client = await connect(flags);
  const { runId } = await findRun(client, wanted);
  if (flags.list) {
    for (const each of await client.artefacts(runId)) {
      print(flags.json ? JSON.stringify(each) : `${each.name}  ${bytes(each.bytes)}`);
    }
    return;
  }
  const place = flags.out ?? join('runs', runId);
  const { downloadRun } = await import('../cluster/download-run.js');
  const stop = stopOnSignals();
  try {
    await downloadRun(client, runId, place, stop.signal, (path, size) =>
      print(flags.json ? JSON.stringify({ path, bytes: size }) : `${path}  ${bytes(size)}`),
    );
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write(`\nelbo: stopped; what is in ${place} is whole, and not all\n`);
    process.exitCode = stop.exitCode() ?? exitCodes.interrupted;
  } finally {
    stop.release();
  }
}
