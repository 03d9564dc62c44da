import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@elbo/coordinator/coordinator';
import { ClusterRunFolders } from '@elbo/coordinator/http/run-folders/run-folders';
import { CoordinatorMetrics } from '@elbo/coordinator/metrics/coordinator-metrics';
import type { OnPhase } from '@elbo/coordinator/phases';
import { defaultLogger, keepSecret } from '@elbo/transport/log';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { sweepPrivatePrefixes } from '@elbo/transport/redis/private-prefix';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import type { QueueTelemetry } from '@elbo/transport/redis/telemetry';
import type { RunDirectory } from '@elbo/transport/run-directory';
import type { EventSink } from '../progress/event-sink.js';
import { openRunDataset } from './open-run-dataset.js';
import { openRunArtefacts } from './run-artefacts.js';
import type { ServeApiOptions } from './serve-api.js';

/** How often it looks after runs that a Redis has lost, or a dead coordinator has left behind. */
const sweepMs = 10_000;

export interface ServeCoordinatorOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** http://host:port as workers reach it, when that is not where it listens. */
  readonly advertise?: string | undefined;
  /** Run folders are made in it. */
  readonly runsFolder: string;
  /** Event files for TensorBoard in run folders too. */
  readonly tensorboard?: boolean;
  /** Runs that it conducts at the same time. */
  readonly maxRuns: number;
  /** The HTTP API; none when left out. */
  readonly api?: CoordinatorApi | undefined;
  readonly telemetry?: QueueTelemetry | undefined;
  readonly onPhase?: OnPhase;
  readonly checkpointIntervals?: { readonly redis: number; readonly folder: number };
}

export interface CoordinatorApi extends Pick<ServeApiOptions, 'listen' | 'hostNames' | 'memoryLimit'> {
  /** Shown by those who may look and change nothing; the cluster's token may do all. */
  readonly readToken: string | null;
  /** Told where it is, when it listens. */
  onListening(address: string): void;
}

/** Conducts runs from the queue until the signal is aborted, then saves those it conducts and ends. */
export async function serveCoordinator(
  options: ServeCoordinatorOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<void> {
  const { redisUrl, prefix, token, listen, advertise, runsFolder, maxRuns, onPhase, checkpointIntervals } = options;
  const { tensorboard = false, telemetry } = options;
  keepSecret(token);
  await sweepPrivatePrefixes(redisUrl);
  const transport = await createRedisConductorTransport({ redisUrl, prefix, token, listen, advertise, telemetry });
  const metrics = new CoordinatorMetrics(transport);
  const directory = await createRedisRunDirectory({ redisUrl, prefix, telemetry });
  const api = await startApi(options, transport, directory, metrics).catch(async (error: unknown) => {
    await directory.close();
    await transport.close();
    metrics.close();
    throw error;
  });
  const log = defaultLogger('coordinator');
  const conductor = startCoordinator(transport, {
    owner: `${hostname()}-${process.pid}`,
    workers: 0,
    threads: 0,
    openDataset: openRunDataset,
    openArtefacts: (run, fence) =>
      openRunArtefacts(run, { kind: 'kept', path: join(runsFolder, run.runId), tensorboard }, fence),
    onEvent: (event) => {
      metrics.take(event);
      sink.handle(event);
    },
    metrics,
    directory: transport.directory,
    maxRuns,
    onRunError: ({ runId }, error) => log.error({ runId, err: error }, 'run failed'),
    signal,
    whenStopped: 'give-back',
    ...(onPhase ? { onPhase } : {}),
    ...(checkpointIntervals ? { checkpointIntervals } : {}),
    clock: { now: Date.now, monotonic: () => performance.now() },
  });
  const sweeping = setInterval(() => {
    directory.sweep().then(
      (runIds) => runIds.length > 0 && log.warn({ runIds }, 'put lost runs back into the queue'),
      (error: unknown) => log.warn({ err: error }, 'could not look after lost runs'),
    );
  }, sweepMs);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(sweeping);
  await conductor.drain();
  await api?.close();
  await directory.close();
  await transport.close();
  metrics.close();
}

async function startApi(
  { api, token, runsFolder }: ServeCoordinatorOptions,
  { queues }: RedisConductorTransport,
  directory: RunDirectory,
  metrics: CoordinatorMetrics,
): Promise<{ close(): Promise<void> } | null> {
  if (!api) return null;
  const { serveApi } = await import('./serve-api.js');
  const { listen, hostNames, memoryLimit, readToken, onListening } = api;
  const tokens = { full: token, read: readToken };
  const folders = new ClusterRunFolders(runsFolder);
  const options = { listen, hostNames, memoryLimit, tokens, directory, folders, metrics, queues };
  const served = await serveApi({ ...options, otherwise: 'give another address, or --api off' });
  onListening(served.address);
  return served;
}
