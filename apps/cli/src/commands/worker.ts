import { parseBytes } from '@elbo/datasets/cache-room';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import { keepLivenessFile } from '../launch/liveness-file.js';
import { withTracing } from '../launch/tracing.js';
import { wholeNumber } from './parsers.js';
import { clusterAccess, otelOption, prefixOption, redisOption, tokenOption } from './server-options.js';
import { endSoon, saying, stopOnSignals } from './stop-signals.js';

interface WorkerFlags {
  readonly redis?: string;
  readonly prefix: string;
  readonly token?: string;
  readonly threads?: number;
  readonly id?: string;
  readonly livenessFile?: string;
  readonly otel?: string;
  readonly cacheLimit?: number;
}

const help = `
A worker takes shards from the queue on Redis, computes them on its threads, and sends gradients to the run's
coordinator. Workers may join and leave at any moment: the result is the same.

Example:
  $ ELBO_TOKEN=... elbo worker --redis redis://queue.local:6379 --threads 8

SIGINT and SIGTERM finish the shards at hand and end in order; a second one ends at once.`;

export function workerCommand(): Command {
  return new Command('worker')
    .summary('compute gradients for a cluster')
    .description('Serves a cluster as a worker.')
    .addOption(redisOption())
    .addOption(prefixOption())
    .addOption(tokenOption())
    .option('--threads <n>', 'threads that compute (by the cores)', wholeNumber(1, 1024))
    .option('--id <id>', 'a name of its own (host and process number)', workerId)
    .option('--liveness-file <file>', 'a file that is written every five seconds, for a health check to look at')
    .addOption(cacheLimitOption())
    .addOption(otelOption())
    .addHelpText('after', help)
    .action(serve);
}

async function serve(flags: WorkerFlags): Promise<void> {
  const { redisUrl, token } = clusterAccess(flags);
  // The worker of a command that trains ends when that says so, and it has told people already.
  const stop = parentPid() ? stopOnSignals() : stopOnSignals(saying('finishing the shards at hand'));
  const watch = stopWithParent();
  const forgetLiveness = flags.livenessFile === undefined ? undefined : keepLivenessFile(flags.livenessFile);
  try {
    const { serveWorker } = await import('../launch/serve-worker.js');
    const options = {
      redisUrl,
      token,
      prefix: flags.prefix,
      threads: flags.threads ?? null,
      workerId: flags.id ?? null,
      cacheLimit: flags.cacheLimit,
    };
    await withTracing('elbo-worker', flags.otel, (telemetry) => serveWorker({ ...options, telemetry }, stop.signal));
  } finally {
    clearInterval(watch);
    forgetLiveness?.();
    stop.release();
    endSoon();
  }
}

/**
 * A worker that `elbo train` started ends when that process is gone, however it went: nobody else would stop it.
 * An orphan gets another parent, and that can be seen.
 */
function stopWithParent(): NodeJS.Timeout | undefined {
  const parent = parentPid();
  if (!parent) return undefined;
  const look = (): void => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  };
  return setInterval(look, 1000).unref();
}

/** The process that started this worker for itself; 0 for none. */
function parentPid(): number {
  return Number(process.env.ELBO_PARENT_PID ?? 0);
}

/** Left out, the cache reads ELBO_CACHE_LIMIT itself: it is every command's. */
function cacheLimitOption(): Option {
  const help = 'of fetched data sets kept on disk, the least recently used removed (20GiB, or ELBO_CACHE_LIMIT)';
  return new Option('--cache-limit <size>', help).argParser((text) => {
    const bytes = parseBytes(text);
    if (bytes === null) throw new InvalidArgumentError('It must look like 20GiB or 500MiB.');
    return bytes;
  });
}

function workerId(text: string): string {
  if (/^[a-zA-Z0-9._-]{1,128}$/.test(text)) return text;
  throw new UsageError(
    `--id: '${text}' is not allowed; it is letters, digits, dots, dashes and underscores, 128 at most`,
  );
}
