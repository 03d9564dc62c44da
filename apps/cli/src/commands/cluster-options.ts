import { tokenPattern, tokenWords } from '@elbo/protocol/token';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ClusterAddress, defaultServer, readServer } from '../cluster/address.js';
import type { ClusterClient } from '../cluster/cluster-client.js';
import { UsageError } from '../errors.js';
import { tokenOption } from './server-options.js';

/** Flags of the commands that ask a cluster. */
export interface ClusterFlags {
  readonly server?: string;
  readonly token?: string;
}

export function addClusterFlags(command: Command): Command {
  return command.addOption(serverOption().default(defaultServer)).addOption(tokenOption());
}

export function serverOption(): Option {
  return new Option('--server <url>', 'the HTTP API of a coordinator of the cluster')
    .env('ELBO_SERVER')
    .argParser(server);
}

/** @throws UsageError without a token, ClusterError when the cluster does not answer as it should */
export async function connect(flags: ClusterFlags): Promise<ClusterClient> {
  const { ClusterClient } = await import('../cluster/cluster-client.js');
  return ClusterClient.connect(addressOf(flags));
}

function addressOf({ server = defaultServer, token }: ClusterFlags): ClusterAddress {
  if (!token) {
    throw new UsageError(
      `the cluster at ${server} wants to know who asks: set ELBO_TOKEN to the one that its coordinator was started with`,
    );
  }
  if (!tokenPattern.test(token)) {
    throw new UsageError(
      `the token for the cluster at ${server} cannot be one: it needs ${tokenWords}; set ELBO_TOKEN`,
    );
  }
  return { server, token };
}

function server(text: string): string {
  const read = readServer(text);
  if (read === null)
    throw new InvalidArgumentError(`It must look like ${defaultServer}, and the token goes into ELBO_TOKEN.`);
  return read;
}
