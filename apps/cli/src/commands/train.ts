import { Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { chooseRenderer } from '../progress/choose-renderer.js';
import type { EventSink } from '../progress/event-sink.js';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';
import { addSpecFlags, redisUrl, typedFlags, wholeNumber } from './options.js';
import { stopOnSignals } from './stop-signals.js';

interface TrainFlags {
  readonly redis?: true | string;
  readonly workers?: number;
  readonly threads?: number;
  readonly out?: string;
  readonly json?: true;
  readonly quiet?: true;
}

const help = `
The flags above the launch options are fields of the run spec: they go before what a spec file says. Launch options
are not: they change how fast a run is, never what comes out of it.

Examples:
  $ elbo train mnist --epochs 3 --hidden 400,200 --latent-dim 10
  $ elbo train gaussian-mixture
  $ elbo train my-run.yaml --seed 2 --out runs/second-seed
  $ elbo train mnist --redis redis://cache.local:6379 --workers 4

A spec file holds what you want to be other than the default:
  dataset: { name: mnist, pixels: dynamic }
  model: { latentDim: 10, encoder: { hidden: [400, 200] }, decoder: { hidden: [200, 400] } }
  training: { epochs: 20, optimizer: { kind: adamw } }

Ctrl-C saves the model and ends with exit code 130; a second Ctrl-C ends at once.`;

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('train a model')
    .description('Trains a variational autoencoder and leaves a run folder: model, curves, samples, reconstructions.')
    .argument('<dataset | spec.yaml>', 'a data set (`elbo datasets` lists them), or a run spec in YAML or JSON');
  return addSpecFlags(command)
    .addOption(
      launch(
        new Option('--redis [url]', 'go through BullMQ on Redis: this one, or any that is found').argParser(redisUrl),
      ),
    )
    .addOption(launch(new Option('--workers <n>', 'worker processes, with --redis').argParser(wholeNumber(1, 1024))))
    .addOption(
      launch(new Option('--threads <n>', 'threads of each worker (by the cores)').argParser(wholeNumber(1, 1024))),
    )
    .addOption(launch(new Option('--out <folder>', 'the run folder (runs/<name>-<id>)')))
    .addOption(launch(new Option('--json', 'print events as JSON, one a line, and nothing else')))
    .addOption(launch(new Option('--quiet', 'print warnings and the end only')))
    .addHelpText('after', help)
    .action(train);
}

const launch = (option: Option): Option => option.helpGroup('Launch options:');

async function train(argument: string, flags: TrainFlags, command: Command): Promise<void> {
  if (flags.workers !== undefined && flags.redis === undefined) {
    throw new UsageError('--workers counts worker processes, which need --redis; embedded runs have --threads');
  }
  if (flags.json && flags.quiet) throw new UsageError('--json and --quiet exclude each other');
  const spec = resolveSpec(await readSpec(argument), typedFlags(command));
  await requireDataset(spec.dataset.name);

  const renderer = chooseRenderer({ json: flags.json === true, quiet: flags.quiet === true });
  const sink = flags.json ? renderer : withoutFailure(renderer);
  const stop = stopOnSignals(() => process.stderr.write('\nelbo: stopping after this step; once more ends at once\n'));
  try {
    // Loaded here, when the command line holds: engines and queues take their time to load.
    const { launchTrain } = await import('../launch/train.js');
    const { outcome } = await launchTrain(
      {
        spec,
        redis: flags.redis ?? null,
        workers: flags.workers ?? null,
        threads: flags.threads ?? null,
        outFolder: flags.out ?? null,
      },
      sink,
      stop.signal,
    );
    if (outcome === 'interrupted') process.exitCode = stop.exitCode() ?? exitCodes.interrupted;
  } finally {
    sink.close();
    stop.release();
  }
}

/** A failure ends this command, whose message goes to standard error: a person should not read it twice. */
function withoutFailure(renderer: EventSink): EventSink {
  return {
    handle: (event) => {
      if (event.event !== 'run-failed') renderer.handle(event);
    },
    close: () => renderer.close(),
  };
}

/** Fails on a name that is no data set before anything is started. */
async function requireDataset(name: string): Promise<void> {
  const [{ describeDataset }, { UnknownDatasetError }] = await Promise.all([
    import('@elbo/datasets/catalog'),
    import('@elbo/datasets/errors'),
  ]);
  await describeDataset(name).catch((error: unknown) => {
    throw error instanceof UnknownDatasetError ? new UsageError(error.message) : error;
  });
}
