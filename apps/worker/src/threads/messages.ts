import type { NonFinite, ResolvedRun, SplitName, TermSums } from '@elbo/protocol/messages';
import type { TensorRef } from '@elbo/vae-core/kernels/tensor-arena';
import type { SharedMemory } from '@elbo/vae-core/kernels/web-assembly';
import type { SharedUpdateRefs } from '@elbo/vae-core/optimizers/shared-update';
import type { Range } from '@elbo/vae-core/steps/step-plan';

/** Messages between the worker's main thread and its Piscina threads. Tensors lie in shared memory, and tasks name them. */

/** What a thread is told when it starts. */
export interface ThreadSettings {
  /** So long it looks out for its next task after a gradient, milliseconds, before it lets the system wake it. */
  readonly lookoutMs: number;
}

/** What a thread needs to know of a run once; it is kept by `key`. */
export interface ThreadRun {
  readonly key: string;
  readonly run: ResolvedRun;
  /** The packed data set, one copy for all threads. */
  readonly dataset: SharedArrayBuffer;
  /** Of the arena where the tensors of its tasks lie. */
  readonly memory: SharedMemory;
  /** Embedded: the optimiser's, whose updates the threads help with. */
  readonly update: SharedUpdateRefs | null;
}

interface TaskFields {
  /** The key alone for a thread that has the run. */
  readonly threadRun: ThreadRun | string;
  readonly parameters: TensorRef;
  readonly parameterVersion: number;
  /** Positions: in the epoch's shuffled order for a gradient, in the split's own order for an evaluation. */
  readonly range: Range;
  readonly epoch: number;
}

export interface GradientTask extends TaskFields {
  readonly kind: 'gradient';
  readonly step: number;
  /** The thread is likely to have the same place of the next step next. */
  readonly prepareNext: boolean;
  readonly beta: number;
  /** Where the gradient goes. */
  readonly target: TensorRef;
}

export interface EvaluationTask extends TaskFields {
  readonly kind: 'evaluation';
  readonly split: SplitName;
}

export type ThreadTask = GradientTask | EvaluationTask;

export interface ThreadResult {
  readonly terms: TermSums;
  /** Null when all terms are finite; else they are zeros. */
  readonly nonFinite: NonFinite | null;
  readonly computeMs: number;
}

/** What a thread answers to the key of a run that it does not have: it wants the whole. */
export const unknownRun = 'unknown-run';
