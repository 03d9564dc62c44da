import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { RunEvent } from '@elbo/protocol/events';
import type { ResolvedRun, RunJob } from '@elbo/protocol/messages';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { Logger } from '@elbo/transport/log';
import type { RunDirectoryWriter } from '@elbo/transport/run-directory';
import type { CoordinatorMetrics } from './metrics/coordinator-metrics.js';
import type { OnPhase } from './phases.js';
import type { DatasetFacts } from './resolve-run.js';
import type { RunArtefacts } from './run-artefacts.js';
import type { RunState } from './run-state.js';

/** Proves that the lease is still held. @throws LeaseLostError */
export type Fence = () => Promise<void>;

/** What the coordinator's surroundings give it. */
export interface CoordinatorSurroundings {
  /** A name of this process for leases. */
  readonly owner: string;
  /** How workers run, for the `run-started` event: people want to know, the result does not depend on it. */
  readonly workers: number;
  readonly threads: number;
  openDataset(spec: RunSpec): Promise<{ dataset: PackedDataset; facts: DatasetFacts }>;
  /** `fence` is called before anything in it is replaced. */
  openArtefacts(run: ResolvedRun, fence: Fence): Promise<RunArtefacts>;
  /** Sees every event of every run. */
  onEvent(event: RunEvent): void;
  /** Resolves when watchers of the run have all its events so far: a checkpoint is not newer than what they know. */
  flushEvents?(): Promise<void>;
  /** Embedded: gradient buffers that the workers of this process keep in the run's memory. */
  readonly guestBuffers?: number;
  /** A run is over for this coordinator, and all of it is written. Not called for one that it gave back, or that people paused or cancelled. */
  onRunOver?(job: RunJob, outcome: 'completed' | 'interrupted'): void;
  /** A run ended with an error, before or after it started; or it is another's now (LEASE_LOST). */
  onRunError(job: RunJob, error: Error): void;
  /** Embedded: lets the workers of this process share the run's memory and data set. */
  onState?(run: ResolvedRun, state: RunState, dataset: PackedDataset): void;
  /** Aborted when runs are to save and stop. */
  readonly signal: AbortSignal;
  /** Runs that it conducts at the same time; 1 when left out. */
  readonly maxRuns?: number;
  /** Told of every run, and asked what people want of it. */
  readonly directory?: RunDirectoryWriter;
  /** What becomes of a run that the signal stopped: it ends as interrupted, or goes back for another coordinator. */
  readonly whenStopped: 'end' | 'give-back';
  /** Milliseconds between checkpoints; checkpointIntervals when left out. */
  readonly checkpointIntervals?: { readonly redis: number; readonly folder: number };
  /** What it does, for those who run a cluster; the default logger when left out. */
  readonly log?: Logger;
  /** Watches every run that is conducted. */
  readonly metrics?: CoordinatorMetrics;
  /** Told of every phase of a step: tests strike coordinators down at each. */
  readonly onPhase?: OnPhase;
  readonly clock: { now(): number; monotonic(): number };
}
