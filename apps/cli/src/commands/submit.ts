import { Command } from 'commander';
import { newRunId } from '../launch/run-id.js';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';
import { clusterAccess, prefixOption, redisOption, tokenOption } from './coordinator.js';
import { addSpecFlags, typedFlags } from './options.js';

interface SubmitFlags {
  readonly redis?: string;
  readonly prefix: string;
  readonly token?: string;
}

const help = `
The run waits in the queue until a coordinator of the cluster takes it; its folder appears there, under its id, which
is what this command prints.

Example:
  $ ELBO_TOKEN=... elbo submit my-run.yaml --redis redis://queue.local:6379`;

export function submitCommand(): Command {
  const command = new Command('submit')
    .summary('put a run into the queue of a cluster')
    .description('Puts a run into the queue of a cluster, and prints its id.')
    .argument('<dataset | spec.yaml>', 'as for `elbo train`');
  return addSpecFlags(command)
    .addOption(redisOption())
    .addOption(prefixOption())
    .addOption(tokenOption())
    .addHelpText('after', help)
    .action(submit);
}

async function submit(argument: string, flags: SubmitFlags, command: Command): Promise<void> {
  const { redisUrl, token } = clusterAccess(flags);
  const spec = resolveSpec(await readSpec(argument), typedFlags(command));
  const { createRedisConductorTransport } = await import('@elbo/transport/redis/conductor');
  const transport = await createRedisConductorTransport({ redisUrl, prefix: flags.prefix, token });
  try {
    const runId = newRunId(spec.name);
    await transport.submitRun({ runId, spec });
    process.stdout.write(`${runId}\n`);
  } finally {
    await transport.close();
  }
}
