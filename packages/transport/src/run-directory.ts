import type { Launch, PlacedEvent, RunDetail, RunState, RunSummary, WorkerReport } from '@elbo/protocol/cluster';
import type { RunEvent } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';

/** What people want of a run; whoever conducts it sees to it. */
export type Wanted = 'run' | 'pause' | 'cancel';

/** The runs and workers of a cluster, for those who submit and watch: any process that reaches the control plane. */
export interface RunDirectory {
  /** Records the run as queued and puts it into the queue; its id is then known to `list`. */
  submit(runId: string, spec: RunSpec, launch: Launch): Promise<void>;
  /** Newest first, 1000 at most. */
  list(): Promise<RunSummary[]>;
  find(runId: string): Promise<RunDetail | null>;
  /** @throws UnknownRunError, RunOverError when there is nothing left to pause, resume or cancel */
  want(runId: string, wanted: Wanted): Promise<RunState>;
  /** The newest events (steps thinned), oldest first: those after `id`, or as many as are kept. */
  eventsAfter(
    runId: string,
    id: string | null,
  ): Promise<{ events: PlacedEvent[] /** Some between are gone. */; gap: boolean }>;
  workers(): Promise<WorkerReport[]>;
  close(): Promise<void>;
}

/** What a conductor tells the directory, and asks of it. */
export interface RunDirectoryWriter {
  recordEvent(event: RunEvent): void;
  recordState(runId: string, state: RunState): Promise<void>;
  wanted(runId: string): Promise<Wanted>;
}
