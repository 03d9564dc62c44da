import type { RunJob } from '@elbo/protocol/messages';
import type { ConductorTransport, RunConductor } from '@elbo/transport/conductor-transport';
import { LeaseLostError, RunUnfinishedError } from '@elbo/transport/errors';
import { conductJob } from './conduct-job.js';
import { RunBusyError } from './errors.js';
import { isCompleted, leaseMs } from './lease.js';
import type { CoordinatorSurroundings } from './surroundings.js';

/**
 * Takes runs from the runs queue and conducts them, one at a time. The job of a run stays in the queue until the run is
 * over: completed, failed, or ended by a person. While another coordinator conducts it, or when this one was stopped or
 * deposed, it goes back.
 */
export function startCoordinator(transport: ConductorTransport, surroundings: CoordinatorSurroundings): RunConductor {
  return transport.conductRuns(async (job) => {
    try {
      const outcome = await takeRun(transport, surroundings, job);
      if (outcome === 'gave-back')
        throw new RunUnfinishedError(job.runId, 'its coordinator was stopped and has saved it');
      surroundings.onRunOver?.(job, outcome);
    } catch (error) {
      if (error instanceof RunUnfinishedError) throw error;
      if (error instanceof RunBusyError) throw new RunUnfinishedError(job.runId, error.message, { cause: error });
      surroundings.onRunError(job, error as Error);
      if (error instanceof LeaseLostError) throw new RunUnfinishedError(job.runId, error.message, { cause: error });
      throw error;
    }
  });
}

async function takeRun(transport: ConductorTransport, surroundings: CoordinatorSurroundings, job: RunJob) {
  const { store } = transport;
  const lease = await store.acquireLease(job.runId, surroundings.owner, leaseMs);
  if (!lease) throw new RunBusyError(job.runId);
  try {
    // A queue that gives a job out at least once gives out one that is over, too.
    if (isCompleted(await store.loadRecord(job.runId))) return 'completed';
    return await conductJob(transport, surroundings, job, lease);
  } finally {
    await store.releaseLease(lease);
  }
}
