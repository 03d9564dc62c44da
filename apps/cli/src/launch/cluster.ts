import type { RunState } from '@elbo/coordinator/run-state';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { ConductorTransport } from '@elbo/transport/conductor-transport';

/** A coordinator's transport, and the workers that stand behind it. */
export interface Cluster {
  readonly transport: ConductorTransport;
  /** Worker processes; 0 when they are threads of this one. */
  readonly workers: number;
  readonly threads: number;
  /** Gradient buffers that embedded workers keep in the run's memory. */
  readonly guestBuffers?: number;
  /** Lets embedded workers share the memory of the run and its data set. */
  onRun?(run: ResolvedRun, state: RunState, dataset: PackedDataset): void;
  /** Rejects when the workers cannot go on. */
  readonly failure: Promise<never>;
  close(): Promise<void>;
}
