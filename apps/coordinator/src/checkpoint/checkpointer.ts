import type { ResolvedRun } from '@elbo/protocol/messages';
import type { Lease, RunSnapshot, RunStore } from '@elbo/transport/conductor-transport';
import type { OnPhase } from '../phases.js';
import type { RunArtefacts } from '../run-artefacts.js';
import type { RunState } from '../run-state.js';
import type { Build, EpochProgress } from './header.js';
import { checkpointTensorBytes, takeCheckpoint } from './take-checkpoint.js';

/** How often a run is made durable, milliseconds. It decides how much is computed again, never what comes out. */
export const checkpointIntervals = { redis: 5_000, folder: 60_000 };

interface CheckpointerOptions {
  readonly run: ResolvedRun;
  readonly state: RunState;
  /** Null: an embedded run, whose store dies with its process. */
  readonly store: Pick<RunStore, 'saveSnapshot'> | null;
  readonly lease: Lease;
  readonly artefacts: RunArtefacts;
  readonly intervals: { readonly redis: number; readonly folder: number };
  /** What computes the run, when that is known. */
  readonly build: () => Build | null;
  readonly now: () => number;
  readonly onPhase: OnPhase;
  readonly onSaved: (step: number, path: string) => void;
  /** Resolves when those who watch elsewhere have all events so far. */
  readonly flushEvents: () => Promise<void>;
  /** A save in the background failed. */
  readonly onError: (error: unknown) => void;
}

interface Targets {
  readonly store: boolean;
  readonly folder: boolean;
  /** model.safetensors too. */
  readonly model: boolean;
}

/**
 * Makes the run durable while it goes on: the state is copied between two steps (a few milliseconds) and written in
 * the background, one checkpoint at a time, from one kept buffer.
 */
export class Checkpointer {
  readonly #copy: Uint8Array;
  #saving: Promise<void> | null = null;
  #closed = false;
  #storedAt: number;
  #filedAt: number;

  constructor(private readonly options: CheckpointerOptions) {
    this.#copy = new Uint8Array(checkpointTensorBytes(options.state));
    this.#storedAt = this.#filedAt = options.now();
  }

  /** Between two steps: saves what is due, in the background. */
  saveIfDue(epoch: () => EpochProgress): void {
    if (this.#saving) return;
    const { intervals, now, store } = this.options;
    const folder = now() - this.#filedAt >= intervals.folder;
    const stored = store !== null && now() - this.#storedAt >= intervals.redis;
    if (folder || stored) void this.#begin(epoch(), { store: store !== null, folder, model: false });
  }

  /** At an epoch's end: saves everything in the background, once the save before it is done. */
  async saveEpoch(epoch: EpochProgress): Promise<void> {
    await this.#saving;
    void this.#begin(epoch, { store: this.options.store !== null, folder: true, model: true });
  }

  /** Saves everything, and resolves when it is durable. */
  async saveAndSettle(epoch: EpochProgress): Promise<void> {
    await this.#saving;
    await this.#begin(epoch, { store: this.options.store !== null, folder: true, model: true });
  }

  /** Begins no save from here on, one that waits for the save at hand neither; resolves when that is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#saving;
  }

  #begin(epoch: EpochProgress, targets: Targets): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { run, state, build, now, onError } = this.options;
    const checkpoint = takeCheckpoint(run, state, epoch, this.#copy, build());
    if (targets.store) this.#storedAt = now();
    if (targets.folder) this.#filedAt = now();
    const saving = this.#save(checkpoint, targets).finally(() => {
      this.#saving = null;
    });
    this.#saving = saving.catch(onError);
    return saving;
  }

  /** Events come first: a checkpoint must not be newer than the records of its steps, in the folder and elsewhere. */
  async #save(checkpoint: RunSnapshot, { store, folder, model }: Targets): Promise<void> {
    const { artefacts, lease, state, onPhase, onSaved, flushEvents } = this.options;
    await Promise.all([artefacts.flush(), flushEvents()]);
    if (store) {
      onPhase('before-snapshot', checkpoint.step);
      await this.options.store?.saveSnapshot(lease, checkpoint);
    }
    if (folder) onSaved(checkpoint.step, await artefacts.saveCheckpoint(checkpoint));
    if (model) {
      const parameters = new Float32Array(this.#copy.buffer, 0, state.parameters.length);
      await artefacts.saveModel(state, parameters, checkpoint.step);
    }
  }
}
