import type { RunJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease, RunConductor } from '@elbo/transport/conductor-transport';
import { LeaseLostError, RunUnfinishedError } from '@elbo/transport/errors';
import { defaultLogger } from '@elbo/transport/log';
import { conductJob, isDeposed, type Outcome } from './conduct-job.js';
import { RunBusyError } from './errors.js';
import { isCompleted, leaseMs } from './lease.js';
import { expireFailedSnapshot, RunEntry } from './run-entry.js';
import { RunStop } from './run-stop.js';
import type { CoordinatorSurroundings } from './surroundings.js';

/**
 * Takes runs from the runs queue and conducts them, `maxRuns` at a time. The job of a run stays in the queue until the
 * run is over: completed, failed, or ended by a person; or until it is paused. While another coordinator conducts it, or
 * when this one was stopped or deposed, it goes back.
 */
export function startCoordinator(transport: ConductorTransport, surroundings: CoordinatorSurroundings): RunConductor {
  const log = surroundings.log ?? defaultLogger('coordinator');
  return transport.conductRuns(async (job) => {
    const { runId } = job;
    try {
      const outcome = await takeRun(transport, { ...surroundings, log }, job);
      log.info({ runId, outcome }, 'conducts a run no more');
      if (outcome === 'gave-back')
        throw new RunUnfinishedError(job.runId, 'its coordinator was stopped and has saved it');
      if (outcome === 'completed' || outcome === 'interrupted') surroundings.onRunOver?.(job, outcome);
    } catch (error) {
      if (error instanceof RunUnfinishedError) throw error;
      if (error instanceof RunBusyError) throw new RunUnfinishedError(job.runId, error.message, { cause: error });
      surroundings.onRunError(job, error as Error);
      if (error instanceof LeaseLostError) {
        log.warn({ runId, err: error }, 'conducts a run no more: it is another coordinator’s now');
        throw new RunUnfinishedError(job.runId, error.message, { cause: error });
      }
      throw error;
    }
  }, surroundings.maxRuns);
}

/** Null: nobody is to conduct it. */
async function takeRun(
  transport: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  job: RunJob,
): Promise<Outcome | null> {
  const { store } = transport;
  const lease = await store.acquireLease(job.runId, surroundings.owner, leaseMs);
  if (!lease) throw new RunBusyError(job.runId);
  try {
    surroundings.log?.info({ runId: job.runId, lease: lease.token }, 'conducts a run');
    const entry = await RunEntry.begin(store, lease, job, surroundings);
    if (!entry) return null;
    // A queue that gives a job out at least once gives out one that is over, too.
    if (isCompleted(await store.loadRecord(job.runId))) return await entry.settle('completed');
    return await conductEntered(transport, surroundings, job, lease, entry);
  } finally {
    await store.releaseLease(lease);
  }
}

async function conductEntered(
  transport: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  job: RunJob,
  lease: Lease,
  entry: RunEntry,
): Promise<Outcome> {
  const stop = new RunStop(surroundings, entry.recorder);
  const onEvent: typeof surroundings.onEvent = (event) => {
    surroundings.onEvent(event);
    entry.recorder?.event(event);
  };
  const flushEvents = async () => entry.recorder?.flush();
  try {
    return await entry.settle(await conductJob(transport, { ...surroundings, onEvent, flushEvents }, job, lease, stop));
  } catch (error) {
    if (!isDeposed(error)) {
      await expireFailedSnapshot(transport.store, lease);
      await entry.fail(error);
    }
    throw error;
  } finally {
    stop.close();
  }
}
