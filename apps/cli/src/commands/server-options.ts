import { tokenPattern, tokenWords } from '@elbo/protocol/token';
import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import { redisUrl } from './parsers.js';

/** Flags of the processes that are a cluster together: coordinators and workers. */

export function otelOption(): Option {
  return new Option('--otel <url>', 'traces of the queues go to this OpenTelemetry collector, over OTLP/HTTP')
    .env('OTEL_EXPORTER_OTLP_ENDPOINT')
    .argParser(collectorUrl);
}

export function redisOption(): Option {
  return new Option('--redis <url>', 'the Redis of the cluster').env('REDIS_URL').argParser(redisUrl);
}

export function prefixOption(): Option {
  return new Option('--prefix <prefix>', 'of all keys in Redis: one for each cluster')
    .argParser(prefix)
    .default('elbo');
}

export function tokenOption(): Option {
  return new Option(
    '--token <token>',
    'the secret of the cluster; better given as ELBO_TOKEN, which `ps` does not show',
  ).env('ELBO_TOKEN');
}

/** The address and the secret, from flags or the environment. @throws UsageError when one is missing */
export function clusterAccess(flags: { readonly redis?: string; readonly token?: string }): {
  redisUrl: string;
  token: string;
} {
  if (!flags.redis) throw new UsageError('which Redis? Give --redis redis://host:6379, or set REDIS_URL');
  if (!flags.token || !tokenPattern.test(flags.token)) {
    throw new UsageError(
      `the cluster needs a secret of ${tokenWords}, the same for all: set ELBO_TOKEN, for example to the output of \`openssl rand -hex 32\``,
    );
  }
  return { redisUrl: flags.redis, token: flags.token };
}

function prefix(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty: it keeps the keys of a cluster apart.');
  return text;
}

function collectorUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new UsageError(`--otel: '${text}' is not allowed; it must look like http://collector.local:4318`);
}
