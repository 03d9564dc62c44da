import type { NonFinite, ResolvedRun, SplitName, TermSums } from '@elbo/protocol/messages';
import type { Range } from '@elbo/vae-core/steps/step-plan';

/** Messages between the worker's main thread and its Piscina threads. Tensors lie in shared memory. */

/** A float32 array in shared memory. */
export interface SharedFloats {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly length: number;
}

/** What a thread needs to know of a run once; it is kept by `key`. */
export interface ThreadRun {
  readonly key: string;
  readonly run: ResolvedRun;
  /** The packed data set, one copy for all threads. */
  readonly dataset: SharedArrayBuffer;
}

interface TaskFields {
  /** The key alone for a thread that has the run. */
  readonly threadRun: ThreadRun | string;
  readonly parameters: SharedFloats;
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
  readonly target: SharedFloats;
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

/** Describes a view of shared memory so that it can cross to a thread. */
export function shareFloats(view: Float32Array): SharedFloats {
  if (!(view.buffer instanceof SharedArrayBuffer)) throw new TypeError('only shared memory can be lent to a thread');
  return { buffer: view.buffer, byteOffset: view.byteOffset, length: view.length };
}

export function floatsOf({ buffer, byteOffset, length }: SharedFloats): Float32Array {
  return new Float32Array(buffer, byteOffset, length);
}
