import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { coordinatorCommand } from './commands/coordinator.js';
import { datasetsCommand } from './commands/datasets.js';
import { doctorCommand } from './commands/doctor.js';
import { encodeCommand } from './commands/encode.js';
import { evaluateCommand } from './commands/evaluate.js';
import { exportCommand } from './commands/export.js';
import { interpolateCommand } from './commands/interpolate.js';
import { reconstructCommand } from './commands/reconstruct.js';
import { resumeCommand } from './commands/resume.js';
import { sampleCommand } from './commands/sample.js';
import { scoreCommand } from './commands/score.js';
import { submitCommand } from './commands/submit.js';
import { trainCommand } from './commands/train.js';
import { workerCommand } from './commands/worker.js';
import { exitCodesHelp } from './exit-codes.js';

const examples = `
Examples:
  $ elbo train mnist                           ten epochs on this machine, nothing else needed
  $ elbo train mnist --epochs 1 --latent-dim 2
  $ elbo train runs/mnist-1a2b3c4d/spec.yaml   the same run again: the same parameters, bit for bit
  $ elbo train mnist --redis --workers 2       through BullMQ on Redis, with two worker processes
  $ elbo resume mnist                          go on with a run that was stopped, as if it never was
  $ elbo sample mnist                          new digits from a trained model, as a picture
  $ elbo train mnist --json | jq .elbo         events, one JSON object a line
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
  for (const command of [
    trainCommand(),
    resumeCommand(),
    coordinatorCommand(),
    submitCommand(),
    workerCommand(),
    doctorCommand(),
    datasetsCommand(),
    sampleCommand(),
    reconstructCommand(),
    interpolateCommand(),
    encodeCommand(),
    scoreCommand(),
    evaluateCommand(),
    exportCommand(),
  ]) {
    program.addCommand(inheriting(command, program));
  }
  return program;
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
