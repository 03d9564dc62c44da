import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { coordinatorCommand } from './commands/coordinator.js';
import { dashboardCommand } from './commands/dashboard.js';
import { datasetsCommand } from './commands/datasets.js';
import { doctorCommand } from './commands/doctor.js';
import { downloadCommand } from './commands/download.js';
import { encodeCommand } from './commands/encode.js';
import { evaluateCommand } from './commands/evaluate.js';
import { exportCommand } from './commands/export.js';
import { interpolateCommand } from './commands/interpolate.js';
import { logsCommand } from './commands/logs.js';
import { reconstructCommand } from './commands/reconstruct.js';
import { resumeCommand } from './commands/resume.js';
import { cancelCommand, pauseCommand } from './commands/run-actions.js';
import { runsCommand } from './commands/runs.js';
import { sampleCommand } from './commands/sample.js';
import { scoreCommand } from './commands/score.js';
import { submitCommand } from './commands/submit.js';
import { trainCommand } from './commands/train.js';
import { watchCommand } from './commands/watch.js';
import { workerCommand } from './commands/worker.js';
import { workersCommand } from './commands/workers.js';
import { exitCodesHelp } from './exit-codes.js';

const examples = `
Examples:
  $ elbo train mnist                           ten epochs on this machine, nothing else needed
  $ elbo train mnist --epochs 1 --latent-dim 2
  $ elbo train runs/mnist-1a2b3c4d/spec.yaml   the same run again: the same parameters, bit for bit
  $ elbo train mnist --redis --workers 2       through BullMQ on Redis, with two worker processes
  $ elbo resume mnist                          go on with a run that was stopped, as if it never was
  $ elbo dashboard                             its curves and pictures in a browser
  $ elbo sample mnist                          new digits from a trained model, as a picture
  $ elbo train mnist --json | jq .elbo         events, one JSON object a line
  $ elbo submit mnist --watch                  on a cluster whose token is in ELBO_TOKEN
  $ elbo doctor                                what works here, and how to mend what does not

${exitCodesHelp}`;

/** The command line. Commands load what they need when they run: `elbo --help` loads none of it. */
export function createProgram(): Command {
  const program = new Command('elbo')
    .description('Trains variational autoencoders on CPUs, on one machine or many, with the same bits in the result.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .showSuggestionAfterError()
    .addHelpText('after', examples)
    .exitOverride();
  for (const { heading, commands } of commandGroups()) {
    for (const command of commands) program.addCommand(inheriting(command.helpGroup(heading), program));
  }
  return program;
}

function commandGroups(): { readonly heading: string; readonly commands: readonly Command[] }[] {
  return [
    {
      heading: 'On this machine:',
      commands: [trainCommand(), resumeCommand(), dashboardCommand(), datasetsCommand(), doctorCommand()],
    },
    {
      heading: 'With a trained model:',
      commands: [
        sampleCommand(),
        reconstructCommand(),
        interpolateCommand(),
        encodeCommand(),
        scoreCommand(),
        evaluateCommand(),
        exportCommand(),
      ],
    },
    {
      heading: 'With a cluster:',
      commands: [
        submitCommand(),
        runsCommand(),
        watchCommand(),
        pauseCommand(),
        cancelCommand(),
        logsCommand(),
        downloadCommand(),
        workersCommand(),
      ],
    },
    { heading: 'To be a cluster:', commands: [coordinatorCommand(), workerCommand()] },
  ];
}

/** Errors and `--help` of a command, and of its own commands, reach `main` as the program's do. */
function inheriting(command: Command, parent: Command, path: string = command.name()): Command {
  command.copyInheritedSettings(parent).showHelpAfterError(`(\`elbo ${path} --help\` explains)`);
  for (const inner of command.commands) inheriting(inner, command, `${path} ${inner.name()}`);
  return command;
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
