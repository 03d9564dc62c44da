import type { RunSpec } from '@elbo/protocol/run-spec';
import type { EventSink } from '../progress/event-sink.js';
import { conductOneRun } from './conduct-one-run.js';
import { launchEmbedded } from './embedded-cluster.js';
import { newRunId } from './run-id.js';

export interface TrainOptions {
  readonly spec: RunSpec;
  /** Null: embedded. True: any Redis that is found. A string: its url. */
  readonly redis: true | string | null;
  /** Worker processes; the machine decides when null. */
  readonly workers: number | null;
  /** Threads of each worker; the machine decides when null. */
  readonly threads: number | null;
  readonly outFolder: string | null;
}

/**
 * Trains one run on this machine, from start to run folder: embedded in this process, or through Redis with worker
 * processes of its own. Rejects when the run fails.
 */
export async function launchTrain(
  options: TrainOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<{ outcome: 'completed' | 'interrupted' }> {
  const runId = newRunId(options.spec.name);
  const notice = (message: string) =>
    sink.handle({ event: 'notice', runId, time: Date.now(), level: 'info', code: 'transport', message });
  const cluster =
    options.redis === null
      ? await launchEmbedded(options.threads, notice)
      : // BullMQ and ioredis are loaded by those who use them.
        await (await import('./local-redis-cluster.js')).launchLocalRedis(
          { ...options, redis: options.redis, runId },
          notice,
        );
  try {
    return await conductOneRun(cluster, { runId, spec: options.spec }, options.outFolder, sink, signal);
  } finally {
    await cluster.close();
  }
}
