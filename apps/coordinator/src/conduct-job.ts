import type { RunEvent } from '@elbo/protocol/events';
import type { RunJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease } from '@elbo/transport/conductor-transport';
import { LeaseLostError } from '@elbo/transport/errors';
import { defaultLogger } from '@elbo/transport/log';
import { announceStart } from './announce-start.js';
import { Checkpointer, checkpointIntervals } from './checkpoint/checkpointer.js';
import { restoreNewest } from './checkpoint/restore.js';
import { snapshotCandidates } from './checkpoint/snapshot-candidate.js';
import { checkpointTensorBytes } from './checkpoint/take-checkpoint.js';
import { conductRun, isEpochReportDue } from './conduct-run.js';
import { ContributionLedger } from './contribution-ledger.js';
import { FolderClaimedError } from './errors.js';
import { fencedWrite, snapshotStore } from './fenced-writes.js';
import { leaseMsFor } from './lease.js';
import { keepLeaseDuring } from './lease-keeper.js';
import { type OpenedRun, openRun } from './open-run.js';
import { PatientChannel } from './patient-channel.js';
import type { RunEnd } from './run-artefacts.js';
import { RunFailure } from './run-failure.js';
import { RunMonitor } from './run-monitor.js';
import { RunReporter } from './run-reporter.js';
import type { RunStop } from './run-stop.js';
import { ShardLimit } from './shard-limit.js';
import type { CoordinatorSurroundings } from './surroundings.js';
import { WorkerWatch } from './worker-watch.js';

/** Gave back: to the queue, for another coordinator. */
export type Outcome = 'completed' | 'interrupted' | 'gave-back' | 'paused' | 'cancelled';

const stopped = {
  'give-back': { outcome: 'gave-back', code: 'given-back', what: 'given back to the queue for another coordinator' },
  pause: { outcome: 'paused', code: 'paused', what: 'out of the queue until it is resumed' },
  cancel: { outcome: 'cancelled', code: 'cancelled', what: 'over: its folder has all that it came to' },
} as const;

/** Conducts a run under a lease, from its newest checkpoint to its end, and leaves its artefacts as they should be. */
export async function conductJob(
  transport: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  job: RunJob,
  lease: Lease,
  stop: RunStop,
): Promise<Outcome> {
  const opened = await keepLeaseDuring(transport.store, lease, openRun(transport, surroundings, job, lease));
  let end: RunEnd = 'stopped';
  let result: { readonly outcome: Outcome };
  try {
    result = await conductOpened(transport, surroundings, opened, lease, stop);
    if (result.outcome === 'completed') end = 'completed';
  } catch (error) {
    if (isDeposed(error)) end = 'deposed';
    throw error;
  } finally {
    await opened.artefacts.close(end);
  }
  const { outcome } = result;
  if (outcome !== 'completed' && outcome !== 'interrupted') return outcome;
  // The record comes before the snapshot goes, and both after the folder is done: whoever finds the job again then
  // finds one or the other.
  const record = { ...result, spec: opened.run.spec };
  const { store } = transport;
  await fencedWrite(store, lease, () => store.saveRecord(lease, JSON.stringify(record)));
  await fencedWrite(store, lease, () => store.deleteSnapshot(lease));
  return outcome;
}

async function conductOpened(
  transport: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  { run, launch, state, dataset, artefacts }: OpenedRun,
  lease: Lease,
  stop: RunStop,
): Promise<{ readonly outcome: Outcome }> {
  const { clock, onPhase = () => {} } = surroundings;
  const now = () => clock.monotonic();
  const base = () => ({ runId: run.runId, time: clock.now() });
  const emit = (event: RunEvent) => {
    artefacts.handle(event);
    surroundings.onEvent(event);
  };
  const reporter = new RunReporter(run.runId, emit, clock);
  const notice = reporter.notice.bind(reporter);
  const failure = new RunFailure();
  const began = now();
  try {
    const store = transport.kind === 'redis' ? transport.store : null;
    const restoring = async () => {
      const snapshots = store ? await snapshotCandidates(store, run.runId) : [];
      return restoreNewest([...snapshots, ...artefacts.checkpoints], run, state);
    };
    const restored = await keepLeaseDuring(transport.store, lease, restoring());
    if (restored.epoch) reporter.goOnFrom(restored.epoch);
    const recordedStep = await artefacts.continueAfter(state.step, !isEpochReportDue({ run, state, reporter }));

    const ledger = new ContributionLedger(lease.token, state.contributionBuffers);
    const { phases } = reporter;
    const log = surroundings.log ?? defaultLogger('coordinator');
    const own = { run, dataset, ledger, failure, notice, build: restored.build, phases, log, now };
    const monitor = new RunMonitor({ transport, lease, leaseMs: leaseMsFor(checkpointTensorBytes(state)), ...own });
    const { contributed } = monitor.hooks;
    const hooks: typeof monitor.hooks = {
      ...monitor.hooks,
      contributed: (header, buffer) => {
        const reply = contributed(header, buffer);
        onPhase('between-contributions', state.step);
        return reply;
      },
    };
    const limit = launch.workerLimit === null ? null : new ShardLimit(launch.workerLimit, failure.fail);
    const opening = transport.openRun(run, lease, limit?.hooks(hooks) ?? hooks, launch.priority);
    const opened = await opening.catch((error: unknown) => {
      monitor.stop();
      throw error;
    });
    const patient = new PatientChannel(opened, notice);
    const channel = limit?.around(patient) ?? patient;
    monitor.attach(channel);
    const unwatch = surroundings.metrics?.watch(run.runId, {
      workers: () => channel.members.size,
      wireBytes: () => channel.wireBytes,
      faults: () => monitor.faults(),
    });
    const workerWatch = new WorkerWatch(run.runId, channel, notice, now);
    const checkpointer = new Checkpointer({
      run,
      state,
      store: store && snapshotStore(store, notice),
      lease,
      artefacts,
      intervals: surroundings.checkpointIntervals ?? checkpointIntervals,
      build: () => monitor.build,
      now,
      onPhase,
      onSaved: (step, path) => reporter.checkpoint(step, path),
      flushEvents: async () => surroundings.flushEvents?.(),
      onError: failure.fail,
    });
    try {
      announceStart(
        { run, state, dataset, artefacts, restored, recordedStep },
        transport,
        surroundings,
        emit,
        reporter,
      );
      const drawEpoch = async (epoch: number) => {
        const problem = await artefacts.drawEpoch(epoch, state, dataset);
        if (problem !== null) notice('warning', 'no-picture', `epoch ${epoch} has no pictures: ${problem}`);
      };
      const { signal } = stop;
      const conduct = { run, lease: lease.token, state, channel, ledger, reporter, checkpointer, failure, signal };
      const outcome = await conductRun({ ...conduct, drawEpoch, onPhase });
      if (outcome === 'interrupted' && stop.why !== 'end') {
        const { outcome, code, what } = stopped[stop.why];
        notice('info', code, `saved after step ${state.step} and ${what}`);
        return { outcome };
      }
      monitor.report();
      reporter.reportSkipped();
      await artefacts.drawPictures(state, dataset);
      const result = {
        outcome,
        step: state.step,
        parametersSha256: state.parametersSha256(),
        runFolder: artefacts.path,
      };
      const { imagesPerSecond } = reporter;
      emit({ event: 'run-finished', ...base(), ...result, imagesPerSecond, seconds: (now() - began) / 1000 });
      return result;
    } finally {
      workerWatch.stop();
      unwatch?.();
      await checkpointer.close();
      monitor.stop();
      await channel.close();
    }
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as { code?: string; message: string };
    // A deposed conductor says so to its own watchers; the run's records are another's now.
    if (isDeposed(error)) {
      surroundings.onEvent({ event: 'notice', ...base(), level: 'warning', code: 'deposed', message });
    } else {
      emit({ event: 'run-failed', ...base(), code, message });
    }
    throw error;
  }
}

/** Whether somebody else conducts the run now. */
export function isDeposed(error: unknown): boolean {
  return error instanceof LeaseLostError || error instanceof FolderClaimedError;
}
