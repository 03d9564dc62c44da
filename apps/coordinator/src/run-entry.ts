import type { RunJob } from '@elbo/protocol/messages';
import type { Lease, RunStore } from '@elbo/transport/conductor-transport';
import { LeaseLostError, RunUnfinishedError } from '@elbo/transport/errors';
import type { RunError, RunRecorder, SettledState } from '@elbo/transport/run-directory';
import type { Outcome } from './conduct-job.js';
import { fencedWrite } from './fenced-writes.js';
import type { CoordinatorSurroundings } from './surroundings.js';

/** How long Redis keeps the tensors of a run that failed, for whoever resumes it soon; its folder keeps them longer. */
const failedSnapshotMs = 3600_000;
const settleAttempts = 10;
const settleAgainMs = 500;

const settledStates = {
  completed: 'completed',
  interrupted: 'interrupted',
  'gave-back': 'queued',
  paused: 'paused',
  cancelled: 'cancelled',
} as const satisfies Record<Outcome, SettledState>;

/** The run's entry in the run directory, where there is one: its state from taking it to leaving it. */
export class RunEntry {
  private constructor(
    private readonly store: RunStore,
    private readonly lease: Lease,
    private readonly surroundings: CoordinatorSurroundings,
    readonly recorder: RunRecorder | null,
  ) {}

  /** Null when nobody is to conduct the run. @throws RunUnfinishedError when it cannot be recorded now */
  static async begin(
    store: RunStore,
    lease: Lease,
    job: RunJob,
    surroundings: CoordinatorSurroundings,
  ): Promise<RunEntry | null> {
    const { directory } = surroundings;
    if (!directory) return new RunEntry(store, lease, surroundings, null);
    try {
      const recorder = await directory.begin(lease, job);
      return recorder && new RunEntry(store, lease, surroundings, recorder);
    } catch (error) {
      throw new RunUnfinishedError(job.runId, `it could not be entered as running: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Records how the run was left. @returns what it comes to, by what is wanted of it now */
  async settle(outcome: Outcome): Promise<Outcome> {
    const state = await this.#settle(settledStates[outcome]);
    if (state === 'queued') return 'gave-back';
    return state === 'paused' || state === 'cancelled' ? state : outcome;
  }

  async fail(error: unknown): Promise<void> {
    const { code = 'UNKNOWN', message } = error as { code?: string; message: string };
    await this.#settle('failed', { code, message });
  }

  /** What becomes of a run does not depend on whether that could be recorded. */
  async #settle(state: SettledState, error?: RunError) {
    const { recorder, store, lease } = this;
    if (!recorder) return state;
    for (let attempt = 1; ; attempt++) {
      try {
        return await fencedWrite(store, lease, () => recorder.settle(state, error));
      } catch (failure) {
        if (failure instanceof LeaseLostError || attempt === settleAttempts) {
          this.#sayNotRecorded(state, failure as Error);
          return state;
        }
        await new Promise((resolve) => setTimeout(resolve, settleAgainMs));
      }
    }
  }

  #sayNotRecorded(state: SettledState, { message }: Error): void {
    const { onEvent, clock } = this.surroundings;
    const { runId } = this.lease;
    const said = `the run directory could not be told that run ${runId} is ${state}: ${message}`;
    onEvent({ event: 'notice', runId, time: clock.now(), level: 'warning', code: 'state-not-recorded', message: said });
  }
}

/** Sees to it that a run which failed leaves no tensors in Redis for ever. */
export async function expireFailedSnapshot(store: RunStore, lease: Lease): Promise<void> {
  // Whoever holds the lease now minds the snapshot.
  await fencedWrite(store, lease, () => store.expireSnapshot(lease, failedSnapshotMs)).catch(() => {});
}
