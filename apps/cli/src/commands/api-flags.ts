import { tokenPattern, tokenWords } from '@elbo/protocol/token';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import type { CoordinatorApi } from '../launch/serve-coordinator.js';
import { type HostAndPort, hostAndPort } from './host-and-port.js';
import { wholeNumber } from './parsers.js';

/** Flags of the HTTP API that a coordinator serves. */
export interface ApiFlags {
  readonly api: HostAndPort | 'off';
  readonly apiHost: readonly string[];
  readonly readToken?: string;
  readonly runMemory?: number;
}

export function addApiFlags(command: Command): Command {
  const parse = hostAndPort('--api');
  const options = [
    new Option('--api <host:port>', 'where people reach the page and the HTTP API; off for none')
      .env('ELBO_API')
      .argParser((text) => (text === 'off' ? text : parse(text)))
      .default({ host: '127.0.0.1', port: 7351 }, '127.0.0.1:7351'),
    new Option('--api-host <names...>', 'further names of the API; requests to other names are refused').default(
      [],
      'none',
    ),
    new Option('--read-token <token>', 'lets people look and change nothing; better given as ELBO_READ_TOKEN').env(
      'ELBO_READ_TOKEN',
    ),
    new Option(
      '--run-memory <MiB>',
      "what a submitted run may need in a process (half of the machine's or container's)",
    ).argParser(wholeNumber(256, 2 ** 24)),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** @param token the cluster's. @throws UsageError */
export async function apiOf(flags: ApiFlags, token: string): Promise<CoordinatorApi | undefined> {
  if (flags.api === 'off') return undefined;
  const readToken = flags.readToken || null;
  if (readToken !== null && (!tokenPattern.test(readToken) || readToken === token)) {
    throw new UsageError(`ELBO_READ_TOKEN needs ${tokenWords}, and must be another one than ELBO_TOKEN`);
  }
  const { availableMemory } = await import('@elbo/coordinator/memory-ceiling');
  return {
    listen: flags.api,
    hostNames: flags.apiHost,
    readToken,
    memoryLimit: flags.runMemory === undefined ? availableMemory() / 2 : flags.runMemory * 2 ** 20,
    onListening: (address) => process.stderr.write(`the page and the API are at ${address}/\n`),
  };
}
