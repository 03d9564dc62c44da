import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { RunEvent } from '@elbo/protocol/events';
import type { ResolvedRun, RunJob } from '@elbo/protocol/messages';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { ConductorTransport, Lease, RunConductor } from '@elbo/transport/conductor-transport';
import { stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import { conductRun } from './conduct-run.js';
import { ContributionLedger } from './contribution-ledger.js';
import { RunBusyError } from './errors.js';
import { type DatasetFacts, resolveRun } from './resolve-run.js';
import { RunMonitor } from './run-monitor.js';
import { RunReporter } from './run-reporter.js';
import { RunState } from './run-state.js';

/** Where a run leaves what people look at: the run folder. */
export interface RunArtefacts {
  readonly path: string;
  handle(event: RunEvent): void;
  checkpoint(state: RunState): Promise<void>;
  /** Draws what the model makes of the prior and of the data, once the run completed or was interrupted. */
  drawPictures(run: ResolvedRun, state: RunState, dataset: PackedDataset): Promise<void>;
  /** Called once, last, however the run ended. */
  close(): Promise<void>;
}

/** What the coordinator's surroundings give it. */
export interface CoordinatorSurroundings {
  /** A name of this process for leases. */
  readonly owner: string;
  /** How workers run, for the `run-started` event: people want to know, the result does not depend on it. */
  readonly workers: number;
  readonly threads: number;
  openDataset(spec: RunSpec): Promise<{ dataset: PackedDataset; facts: DatasetFacts }>;
  openArtefacts(run: ResolvedRun): Promise<RunArtefacts>;
  /** Sees every event of every run. */
  onEvent(event: RunEvent): void;
  /** Embedded: gradient buffers that the workers of this process keep in the run's memory. */
  readonly guestBuffers?: number;
  /** A run ended with an error, before or after it started. */
  onRunError(job: RunJob, error: Error): void;
  /** Embedded: lets the workers of this process share the run's memory and data set. */
  onState?(run: ResolvedRun, state: RunState, dataset: PackedDataset): void;
  /** Aborted when runs are to save and stop. */
  readonly signal: AbortSignal;
  readonly clock: { now(): number; monotonic(): number };
}

const leaseMs = 5_000;

/** Takes runs from the runs queue and conducts them, one at a time. */
export function startCoordinator(transport: ConductorTransport, surroundings: CoordinatorSurroundings): RunConductor {
  return transport.conductRuns(async (job) => {
    try {
      const lease = await transport.store.acquireLease(job.runId, surroundings.owner, leaseMs);
      if (!lease) throw new RunBusyError(job.runId);
      try {
        await conductJob(transport, surroundings, job, lease);
      } finally {
        await transport.store.releaseLease(lease);
      }
    } catch (error) {
      surroundings.onRunError(job, error as Error);
      throw error;
    }
  });
}

async function conductJob(
  transport: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  job: RunJob,
  lease: Lease,
): Promise<void> {
  const { clock, signal } = surroundings;
  const { dataset, facts } = await surroundings.openDataset(job.spec);
  const run = resolveRun(job.runId, job.spec, facts);
  const state = RunState.create(run, surroundings.guestBuffers ?? 0);
  surroundings.onState?.(run, state, dataset);
  const artefacts = await surroundings.openArtefacts(run);
  const emit = (event: RunEvent) => {
    artefacts.handle(event);
    surroundings.onEvent(event);
  };
  const reporter = new RunReporter(run.runId, emit, clock);
  const ledger = new ContributionLedger(lease.token, state.contributionBuffers);
  const monitor = new RunMonitor(transport, lease, leaseMs, ledger, dataset);
  const channel = await transport.openRun(run, lease, monitor.hooks);
  monitor.attach(channel);
  const began = clock.monotonic();
  const base = () => ({ runId: run.runId, time: clock.now() });
  try {
    emit({
      event: 'run-started',
      ...base(),
      ...describeRun(run, state),
      ...describeLaunch(transport, surroundings),
      runFolder: artefacts.path,
    });
    const outcome = await conductRun({
      run,
      lease: lease.token,
      state,
      channel,
      ledger,
      reporter,
      failure: monitor.failure,
      signal,
      checkpoint: async () => {
        await transport.store.saveSnapshot(lease, state.snapshot('{}'));
        await artefacts.checkpoint(state);
      },
    });
    await artefacts.drawPictures(run, state, dataset);
    const { imagesPerSecond } = reporter;
    const seconds = (clock.monotonic() - began) / 1000;
    const result = { outcome, step: state.step, parametersSha256: state.parametersSha256(), runFolder: artefacts.path };
    emit({ event: 'run-finished', ...base(), ...result, imagesPerSecond, seconds });
    if (outcome === 'completed') await transport.store.deleteSnapshot(lease);
    await transport.store.saveRecord(lease, JSON.stringify({ ...result, spec: run.spec }));
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as { code?: string; message: string };
    emit({ event: 'run-failed', ...base(), code, message });
    throw error;
  } finally {
    monitor.stop();
    await channel.close();
    await artefacts.close();
  }
}

function describeRun(run: ResolvedRun, state: RunState) {
  return {
    name: run.spec.name,
    engine: run.spec.engine,
    seed: run.spec.seed,
    parameterCount: state.model.layout.length,
    trainExamples: run.trainExamples,
    testExamples: run.testExamples,
    stepsPerEpoch: stepsPerEpoch(run.trainExamples, run.spec.training.globalBatchSize),
    epochs: run.spec.training.epochs,
  };
}

function describeLaunch(transport: ConductorTransport, { workers, threads }: CoordinatorSurroundings) {
  return { transport: transport.kind, workers, threads };
}
