import { Command } from 'commander';
import { UsageError } from '../errors.js';
import { serverOption } from './cluster-options.js';
import { addLaunchFlags, assertLaunchFlags, type LaunchFlags } from './launch-flags.js';
import { actOnRun } from './run-actions.js';
import { runToItsEnd } from './run-to-its-end.js';
import { tokenOption } from './server-options.js';

interface ResumeFlags extends LaunchFlags {
  readonly server?: string;
  readonly token?: string;
}

const help = `
Of this machine: goes on with a run that was interrupted, killed or failed, from its newest checkpoint, in the same
folder. It ends with the parameters, bit for bit, that it would have ended with had it never stopped; it may be launched
otherwise than before (embedded or through Redis, more or fewer workers and threads).

Of a cluster, with --server (or ELBO_SERVER): puts a run that was paused, interrupted or failed back into its queue. What
has a slash in it is a folder of this machine all the same.

Examples:
  $ elbo resume runs/mnist-1a2b3c4d
  $ elbo resume mnist-1a2b3c4d --redis --workers 2
  $ elbo resume mnist                          when one unfinished run has that name
  $ elbo resume latest --server http://127.0.0.1:7351`;

export function resumeCommand(): Command {
  const command = new Command('resume')
    .summary('go on with a run that stopped')
    .description('Goes on with a run where its newest checkpoint left it: here, or in a cluster.')
    .argument('<run>', "a run's folder, or its id or name under runs/; with --server as for `elbo watch`");
  addLaunchFlags(command);
  for (const option of [serverOption(), tokenOption()]) command.addOption(option.helpGroup('In a cluster:'));
  return command.addHelpText('after', help).action(resume);
}

async function resume(run: string, flags: ResumeFlags, command: Command): Promise<void> {
  assertLaunchFlags(flags);
  const isFolder = /[\\/]/.test(run);
  if (isFolder && command.getOptionValueSource('server') === 'cli') {
    throw new UsageError(
      `${run} is a folder of this machine, and --server is for runs of a cluster: give the run's id`,
    );
  }
  if (flags.server !== undefined && !isFolder) {
    const foreign = (['redis', 'workers', 'threads', 'quiet', 'tensorboard'] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (foreign) {
      throw new UsageError(
        `--${foreign} is for runs of this machine, and with --server or ELBO_SERVER (${flags.server}) the cluster's are meant`,
      );
    }
    return actOnRun('resume', run, flags);
  }
  const { findStoppedRun } = await import('../launch/resume.js');
  const { job, folder } = await findStoppedRun(run);
  await runToItsEnd(job, { kind: 'kept', path: folder, tensorboard: flags.tensorboard === true }, flags);
}
