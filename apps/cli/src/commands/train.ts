import { newRunId } from '@elbo/coordinator/run-id';
import { Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';
import { addLaunchFlags, assertLaunchFlags, type LaunchFlags, launchOption } from './launch-flags.js';
import { folder } from './parsers.js';
import { runToItsEnd } from './run-to-its-end.js';
import { addSpecFlags, typedFlags } from './spec-options.js';

interface TrainFlags extends LaunchFlags {
  readonly out?: string;
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

Ctrl-C saves the run and ends with exit code 130 (\`elbo resume\` goes on with it); a second Ctrl-C ends at once.`;

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('train a model')
    .description('Trains a variational autoencoder and leaves a run folder: model, curves, samples, reconstructions.')
    .argument('<dataset | spec.yaml>', 'a data set (`elbo datasets` lists them), or a run spec in YAML or JSON');
  addLaunchFlags(addSpecFlags(command));
  return command
    .addOption(launchOption(new Option('--out <folder>', 'the run folder (runs/<name>-<id>)').argParser(folder)))
    .addHelpText('after', help)
    .action(train);
}

async function train(argument: string, flags: TrainFlags, command: Command): Promise<void> {
  assertLaunchFlags(flags);
  const spec = resolveSpec(await readSpec(argument), typedFlags(command));
  await requireDataset(spec.dataset.name);
  const job = { runId: newRunId(spec.name), spec };
  await runToItsEnd(job, { kind: 'new', out: flags.out ?? null, tensorboard: flags.tensorboard === true }, flags);
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
