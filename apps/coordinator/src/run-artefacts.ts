import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { RunEvent } from '@elbo/protocol/events';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import type { CheckpointCandidate } from './checkpoint/restore.js';
import type { RunState } from './run-state.js';

/**
 * How a conductor leaves a run. Completed: nothing is left to do. Stopped: it can be gone on with. Deposed: somebody
 * else conducts it now.
 */
export type RunEnd = 'completed' | 'stopped' | 'deposed';

/** Where a run leaves what people look at, and checkpoints: the run folder. */
export interface RunArtefacts {
  readonly path: string;
  /** Checkpoints that earlier conductors left. */
  readonly checkpoints: readonly CheckpointCandidate[];
  /**
   * Takes back what was recorded after this step. Called once, before the first event.
   * @param epochReported Whether the report of an epoch that ends with this step stays.
   * @returns the last step on record: less than `step` when records are missing
   */
  continueAfter(step: number, epochReported: boolean): Promise<number>;
  handle(event: RunEvent): void;
  /** Resolves when all events so far are on the disk. */
  flush(): Promise<void>;
  /** Keeps it as the newest checkpoint, and the one before it. Resolves with its path when it is on the disk. */
  saveCheckpoint(checkpoint: RunSnapshot): Promise<string>;
  /** @param parameters Flat, by the model's layout. */
  saveModel(state: RunState, parameters: Float32Array, step: number): Promise<void>;
  /**
   * Draws what the model makes of the prior and of the data after an epoch, always of the same z and examples. What goes
   * wrong is no reason to stop. @returns why there is no picture where there should be one
   */
  drawEpoch(epoch: number, state: RunState, dataset: PackedDataset): Promise<string | null>;
  /** The same at the run's end. */
  drawPictures(state: RunState, dataset: PackedDataset): Promise<void>;
  /** Called once, last. */
  close(end: RunEnd): Promise<void>;
}
