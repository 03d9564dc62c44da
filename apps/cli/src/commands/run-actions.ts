import type { RunState } from '@elbo/protocol/cluster';
import { Command } from 'commander';
import type { RunAction } from '../cluster/cluster-client.js';
import { findRun, runArgument } from '../cluster/find-run.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';

interface ActionFlags extends ClusterFlags {
  readonly json?: true;
}

const pauseHelp = `
The run is saved after the step at hand and leaves the workers to other runs until it is resumed; its result is the same,
bit for bit.

Examples:
  $ elbo pause latest
  $ elbo resume latest --server http://127.0.0.1:7351`;

const cancelHelp = `
The run ends after the step at hand, for good. Its folder keeps what was saved.

Example:
  $ elbo cancel mnist-1a2b`;

export function pauseCommand(): Command {
  return actionCommand('pause', 'stop a run of a cluster for a while', pauseHelp);
}

export function cancelCommand(): Command {
  return actionCommand('cancel', 'end a run of a cluster for good', cancelHelp);
}

function actionCommand(action: RunAction, summary: string, help: string): Command {
  const command = new Command(action)
    .description(summary)
    .argument('<run>', runArgument)
    .option('--json', 'print the run as JSON');
  return addClusterFlags(command)
    .addHelpText('after', help)
    .action((wanted: string, flags: ActionFlags) => actOnRun(action, wanted, flags));
}

/** Asks for it, and says what became of the run. */
export async function actOnRun(action: RunAction, wanted: string, flags: ActionFlags): Promise<void> {
  const client = await connect(flags);
  const { runId } = await findRun(client, wanted);
  const run = await client.act(runId, action);
  process.stdout.write(`${flags.json ? JSON.stringify(run) : `${runId} ${inWords(action, run.state)}`}\n`);
}

function inWords(action: RunAction, state: RunState): string {
  // Whoever conducts it sees what is wanted at the end of a step.
  if (state === 'running' && action !== 'resume') return `is running, and will be ${pastOf[action]} after this step`;
  return state === 'queued' ? 'is queued' : state === 'running' ? 'goes on' : `is ${state}`;
}

const pastOf = { pause: 'paused', cancel: 'cancelled' } as const;
