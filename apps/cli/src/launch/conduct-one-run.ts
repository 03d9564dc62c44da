import { hostname } from 'node:os';
import { startCoordinator } from '@elbo/coordinator/coordinator';
import type { RunOrder } from '@elbo/protocol/messages';
import type { EventSink } from '../progress/event-sink.js';
import type { Cluster } from './cluster.js';
import { openRunDataset } from './open-run-dataset.js';
import { type FolderPlace, openRunArtefacts } from './run-artefacts.js';

/** Submits a run to the cluster, conducts it in this process, and resolves when it has ended. */
export async function conductOneRun(
  cluster: Cluster,
  job: RunOrder,
  place: FolderPlace,
  sink: EventSink,
  signal: AbortSignal,
): Promise<{ outcome: 'completed' | 'interrupted' }> {
  let settle: (outcome: 'completed' | 'interrupted') => void = () => {};
  let fail: (error: Error) => void = () => {};
  const ended = new Promise<'completed' | 'interrupted'>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  // A run without anybody who computes it is saved, and ends as if it was stopped.
  const workersFailed = new AbortController();
  cluster.failure.catch(() => workersFailed.abort());
  const conductor = startCoordinator(cluster.transport, {
    owner: `${hostname()}-${process.pid}`,
    workers: cluster.workers,
    threads: cluster.threads,
    guestBuffers: cluster.guestBuffers ?? 0,
    openDataset: openRunDataset,
    openArtefacts: (run, fence) => openRunArtefacts(run, place, fence),
    onEvent: (event) => sink.handle(event),
    onRunOver: (_job, outcome) => settle(outcome),
    onRunError: (_job, error) => fail(error),
    ...(cluster.onRun ? { onState: cluster.onRun } : {}),
    signal: AbortSignal.any([signal, workersFailed.signal]),
    whenStopped: 'end',
    clock: { now: Date.now, monotonic: () => performance.now() },
  });
  try {
    await cluster.transport.submitRun(job);
    return { outcome: await Promise.race([ended, cluster.failure]) };
  } finally {
    await conductor.drain();
  }
}
