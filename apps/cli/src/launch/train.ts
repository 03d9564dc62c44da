import { randomBytes } from 'node:crypto';
import type { RunOrder } from '@elbo/protocol/messages';
import type { EventSink } from '../progress/event-sink.js';
import { conductOneRun } from './conduct-one-run.js';
import { launchEmbedded } from './embedded-cluster.js';
import type { FolderPlace } from './run-artefacts.js';

export interface LaunchOptions {
  /** Null: embedded. True: any Redis that is found. A string: its url. */
  readonly redis: true | string | null;
  /** Worker processes; the machine decides when null. */
  readonly workers: number | null;
  /** Threads of each worker; the machine decides when null. */
  readonly threads: number | null;
}

/**
 * Trains one run on this machine, from its start or its last checkpoint to a finished run folder: embedded in this
 * process, or through Redis with worker processes of its own. Rejects when the run fails.
 */
export async function launchTrain(
  job: RunOrder,
  place: FolderPlace,
  options: LaunchOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<{ outcome: 'completed' | 'interrupted' }> {
  const { runId } = job;
  const notice = (message: string) =>
    sink.handle({ event: 'notice', runId, time: Date.now(), level: 'info', code: 'transport', message });
  // Keys of its own each time: nothing that an earlier, killed launch of the run left in Redis is met again.
  const prefix = `elbo-${runId}-${randomBytes(4).toString('hex')}`;
  const cluster =
    options.redis === null
      ? await launchEmbedded(options.threads, notice)
      : // BullMQ and ioredis are loaded by those who use them.
        await (await import('./local-redis-cluster.js')).launchLocalRedis(
          { ...options, redis: options.redis, prefix },
          notice,
        );
  try {
    return await conductOneRun(cluster, job, place, sink, signal);
  } finally {
    await cluster.close();
  }
}
