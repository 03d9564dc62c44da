import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@elbo/coordinator/coordinator';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import type { EventSink } from '../progress/event-sink.js';
import { openRunDataset } from './open-run-dataset.js';
import { openRunArtefacts } from './run-artefacts.js';

export interface ServeCoordinatorOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Run folders are made in it. */
  readonly runsFolder: string;
}

/** Conducts runs from the queue until the signal is aborted, then saves the one it conducts and ends. */
export async function serveCoordinator(
  options: ServeCoordinatorOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<void> {
  const { redisUrl, prefix, token, listen, runsFolder } = options;
  const transport = await createRedisConductorTransport({ redisUrl, prefix, token, listen });
  const conductor = startCoordinator(transport, {
    owner: `${hostname()}-${process.pid}`,
    workers: 0,
    threads: 0,
    openDataset: openRunDataset,
    openArtefacts: (run) => openRunArtefacts(run, join(runsFolder, run.runId)),
    onEvent: (event) => sink.handle(event),
    onRunError: () => {},
    signal,
    clock: { now: Date.now, monotonic: () => performance.now() },
  });
  if (!signal.aborted) await once(signal, 'abort');
  await conductor.drain();
  await transport.close();
}
