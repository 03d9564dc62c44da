import { readFileSync } from 'node:fs';
import { Command } from 'commander';
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

type CommandLoader = () => Promise<Command>;

const groups: readonly { readonly heading: string; readonly commands: Readonly<Record<string, CommandLoader>> }[] = [
  {
    heading: 'On this machine:',
    commands: {
      train: async () => (await import('./commands/train.js')).trainCommand(),
      resume: async () => (await import('./commands/resume.js')).resumeCommand(),
      dashboard: async () => (await import('./commands/dashboard.js')).dashboardCommand(),
      datasets: async () => (await import('./commands/datasets.js')).datasetsCommand(),
      doctor: async () => (await import('./commands/doctor.js')).doctorCommand(),
    },
  },
  {
    heading: 'With a trained model:',
    commands: {
      sample: async () => (await import('./commands/sample.js')).sampleCommand(),
      reconstruct: async () => (await import('./commands/reconstruct.js')).reconstructCommand(),
      interpolate: async () => (await import('./commands/interpolate.js')).interpolateCommand(),
      encode: async () => (await import('./commands/encode.js')).encodeCommand(),
      score: async () => (await import('./commands/score.js')).scoreCommand(),
      evaluate: async () => (await import('./commands/evaluate.js')).evaluateCommand(),
      export: async () => (await import('./commands/export.js')).exportCommand(),
    },
  },
  {
    heading: 'With a cluster:',
    commands: {
      submit: async () => (await import('./commands/submit.js')).submitCommand(),
      runs: async () => (await import('./commands/runs.js')).runsCommand(),
      watch: async () => (await import('./commands/watch.js')).watchCommand(),
      pause: async () => (await import('./commands/run-actions.js')).pauseCommand(),
      cancel: async () => (await import('./commands/run-actions.js')).cancelCommand(),
      logs: async () => (await import('./commands/logs.js')).logsCommand(),
      download: async () => (await import('./commands/download.js')).downloadCommand(),
      workers: async () => (await import('./commands/workers.js')).workersCommand(),
    },
  },
  {
    heading: 'To be a cluster:',
    commands: {
      coordinator: async () => (await import('./commands/coordinator.js')).coordinatorCommand(),
      worker: async () => (await import('./commands/worker.js')).workerCommand(),
    },
  },
];

/**
 * The command line: with all commands, or with the one of that name alone where there is one. What commands need they
 * load when they run: `elbo --help` loads none of it, and a worker starts without the other commands.
 */
export async function createProgram(name?: string): Promise<Command> {
  const program = new Command('elbo')
    .description('Trains variational autoencoders on CPUs, on one machine or many, with the same bits in the result.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .showSuggestionAfterError()
    .addHelpText('after', examples)
    .exitOverride();
  const isWanted = groups.some(({ commands }) => Object.hasOwn(commands, name ?? ''))
    ? (candidate: string) => candidate === name
    : () => true;
  for (const { heading, commands } of groups) {
    for (const [candidate, load] of Object.entries(commands)) {
      if (isWanted(candidate)) program.addCommand(inheriting((await load()).helpGroup(heading), program));
    }
  }
  return program;
}

/** Errors and `--help` of a command, and of its own commands, reach `main` as the program's do. */
function inheriting(command: Command, parent: Command, path: string = command.name()): Command {
  command.copyInheritedSettings(parent).showHelpAfterError(`(\`elbo ${path} --help\` explains)`);
  if (command.name() === 'list') command.allowExcessArguments(); // it says itself which command a name is for
  for (const inner of command.commands) inheriting(inner, command, `${path} ${inner.name()}`);
  return command;
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
