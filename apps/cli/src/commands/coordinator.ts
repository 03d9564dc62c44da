import { Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { withTracing } from '../launch/tracing.js';
import { JsonLines } from '../progress/json-lines.js';
import { LinesOfRuns } from '../progress/lines-of-runs.js';
import { type ApiFlags, addApiFlags, apiOf } from './api-flags.js';
import { type HostAndPort, hostAndPort } from './host-and-port.js';
import { folder, wholeNumber } from './parsers.js';
import { clusterAccess, otelOption, prefixOption, redisOption, tokenOption } from './server-options.js';
import { endSoon, saying, stopOnSignals } from './stop-signals.js';

interface CoordinatorFlags extends ApiFlags {
  readonly redis?: string;
  readonly prefix: string;
  readonly token?: string;
  readonly listen: HostAndPort;
  readonly advertise?: string;
  readonly runs: string;
  readonly maxRuns: number;
  readonly tensorboard?: true;
  readonly otel?: string;
  readonly json?: true;
}

const help = `
A coordinator takes runs from the queue on Redis, --max-runs at a time, cuts each step into shards for the workers, and
serves them parameters and data on --listen. Workers and coordinators share one prefix and one token. People find the
page, and the commands that ask the cluster the HTTP API, on --api.

Examples:
  $ export ELBO_TOKEN=$(openssl rand -hex 32)
  $ elbo coordinator --redis redis://queue.local:6379 --listen 0.0.0.0:7350
  $ elbo worker --redis redis://queue.local:6379

SIGINT and SIGTERM save the runs that are conducted, give them back to the queue and end in order; a second one ends at
once.`;

export function coordinatorCommand(): Command {
  const command = new Command('coordinator')
    .summary('conduct runs from the queue')
    .description('Serves a cluster as its coordinator: plans, reduces, updates, publishes, saves.')
    .addOption(redisOption())
    .addOption(prefixOption())
    .addOption(tokenOption())
    .addOption(listenOption())
    .addOption(advertiseOption())
    .option('--runs <folder>', 'run folders are made in it', folder, 'runs')
    .option('--max-runs <n>', 'runs that it conducts at the same time', wholeNumber(1, 64), 4)
    .option('--tensorboard', 'event files for TensorBoard in run folders too')
    .addOption(otelOption())
    .option('--json', 'print events as JSON, one a line, and nothing else');
  return addApiFlags(command).addHelpText('after', help).action(serve);
}

async function serve(flags: CoordinatorFlags): Promise<void> {
  const { prefix, listen, advertise, runs, maxRuns } = flags;
  const { redisUrl, token } = clusterAccess(flags);
  const sink = flags.json === true ? new JsonLines(process.stdout) : new LinesOfRuns(process.stdout);
  const stop = stopOnSignals(saying('saving the runs at hand and giving them back to the queue'));
  try {
    const { serveCoordinator } = await import('../launch/serve-coordinator.js');
    const options = {
      redisUrl,
      prefix,
      token,
      listen,
      advertise,
      runsFolder: runs,
      tensorboard: flags.tensorboard === true,
      maxRuns,
      api: await apiOf(flags, token),
    };
    await withTracing('elbo-coordinator', flags.otel, (telemetry) => {
      return serveCoordinator({ ...options, telemetry }, sink, stop.signal);
    });
  } finally {
    sink.close();
    stop.release();
    endSoon();
  }
}

function listenOption(): Option {
  return new Option('--listen <host:port>', 'where workers reach it')
    .argParser(hostAndPort('--listen'))
    .default({ host: '127.0.0.1', port: 7350 }, '127.0.0.1:7350');
}

function advertiseOption(): Option {
  return new Option('--advertise <url>', 'the address that workers are told, when it is not the one of --listen')
    .env('ELBO_ADVERTISE')
    .argParser(dataPlaneUrl);
}

function dataPlaneUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' && url.origin === text.replace(/\/$/, '')) return url.origin;
  throw new UsageError(`--advertise: '${text}' is not allowed; it must look like http://coordinator.local:7350`);
}
