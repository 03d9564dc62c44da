import { Command } from 'commander';
import { addLaunchFlags, assertLaunchFlags, type LaunchFlags } from './launch-flags.js';
import { runToItsEnd } from './run-to-its-end.js';

const help = `
Goes on with a run that was interrupted, killed or failed, from its newest checkpoint, in the same folder. It ends with
the parameters, bit for bit, that it would have ended with had it never stopped; it may be launched otherwise than
before (embedded or through Redis, more or fewer workers and threads).

Examples:
  $ elbo resume runs/mnist-1a2b3c4d
  $ elbo resume mnist-1a2b3c4d --redis --workers 2
  $ elbo resume mnist                          when one unfinished run has that name`;

export function resumeCommand(): Command {
  const command = new Command('resume')
    .summary('go on with a run that stopped')
    .description('Goes on with a run where its newest checkpoint left it.')
    .argument('<run>', "a run's folder, or its id or name under runs/");
  return addLaunchFlags(command).addHelpText('after', help).action(resume);
}

async function resume(run: string, flags: LaunchFlags): Promise<void> {
  assertLaunchFlags(flags);
  const { findStoppedRun } = await import('../launch/resume.js');
  const { job, folder } = await findStoppedRun(run);
  await runToItsEnd(job, { kind: 'kept', path: folder }, flags);
}
