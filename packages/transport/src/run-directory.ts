import type { Launch, PlacedEvent, RunDetail, RunState, RunSummary, WorkerReport } from '@elbo/protocol/cluster';
import type { RunEvent } from '@elbo/protocol/events';
import type { RunJob } from '@elbo/protocol/messages';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { Lease } from './conductor-transport.js';

/** What people want of a run; whoever conducts it sees to it. */
export type Wanted = 'run' | 'pause' | 'cancel';

/** The runs and workers of a cluster, for those who submit and watch: any process that reaches the control plane. */
export interface RunDirectory {
  /**
   * Records the run as queued and puts it into the queue; its id is then known to `list`.
   * @throws RunExistsError, DirectoryFullError
   */
  submit(runId: string, spec: RunSpec, launch: Launch): Promise<void>;
  /** Newest first, 1000 at most. */
  list(): Promise<RunSummary[]>;
  find(runId: string): Promise<RunDetail | null>;
  /**
   * Tells what is wanted of a run; to say it twice changes nothing. A run that nobody conducts has the new state at
   * once; one that is conducted has it within about a second. A failed or interrupted run may be resumed.
   * @returns the state that the run has now
   * @throws UnknownRunError, RunOverError when there is nothing left to pause, resume or cancel
   */
  want(runId: string, wanted: Wanted): Promise<RunState>;
  /** The newest events (steps thinned), oldest first: those after `id`, or as many as are kept. */
  eventsAfter(
    runId: string,
    id: string | null,
  ): Promise<{ events: PlacedEvent[] /** Some between are gone. */; gap: boolean }>;
  workers(): Promise<WorkerReport[]>;
  close(): Promise<void>;
}

/** What a conductor tells the directory. All of it is fenced by the lease: a deposed conductor changes nothing. */
export interface RunDirectoryWriter {
  /**
   * Says who conducts the run from now on. Null when nobody is to: it is over or paused, and its job may go.
   * @throws LeaseLostError
   */
  begin(lease: Lease, job: RunJob): Promise<RunRecorder | null>;
}

/** A run's entry in the directory, in the hands of whoever conducts it. */
export interface RunRecorder {
  /** Records an event in the background: nothing is waited for, and nothing fails when it cannot be recorded. */
  event(event: RunEvent): void;
  /** Resolves when all events so far are recorded, or cannot be within a second. */
  flush(): Promise<void>;
  wanted(): Promise<Wanted>;
  /**
   * The last word of this conductor.
   * @returns the state that the run has now: another one when something else was wanted meanwhile
   * @throws LeaseLostError
   */
  settle(state: SettledState, error?: RunError): Promise<RunState>;
}

/** How a conductor leaves a run. Queued: for another coordinator. */
export type SettledState = Exclude<RunState, 'running'>;

export type RunError = NonNullable<RunSummary['error']>;
