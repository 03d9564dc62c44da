import type { GradientTask } from './messages.js';
import type { ThreadState } from './thread-state.js';

/** What a gradient is computed from, besides the parameters. */
export interface GradientBatch {
  readonly examples: Uint32Array;
  /** [batch, dataDim] */
  readonly x: Float32Array;
  /** [monteCarloSamples, batch, latentDim] */
  readonly epsilon: Float32Array;
}

type Place = Pick<GradientTask, 'step' | 'epoch' | 'range'>;

/** Makes the batches of a run's gradients in one thread; the next one beforehand, while the thread has nothing to do. */
export class GradientBatches {
  #place: Place | null = null;
  #batch: GradientBatch | null = null;

  constructor(private readonly state: ThreadState) {}

  /** Valid until the next call of either method. */
  of(place: Place): GradientBatch {
    if (!this.#batch || !this.#place || !isSame(this.#place, place)) this.#batch = this.#make(place);
    this.#place = place;
    return this.#batch;
  }

  /** Makes what the next step has at the same place, if it is in the same epoch: most likely this thread's next task. */
  prepareNext({ step, epoch, range }: Place): void {
    const { run } = this.state.threadRun;
    const { globalBatchSize } = run.spec.training;
    const next = { begin: range.begin + globalBatchSize, end: range.end + globalBatchSize };
    if (next.end <= run.trainExamples) this.of({ step: step + 1, epoch, range: next });
  }

  #make({ step, epoch, range }: Place): GradientBatch {
    const { state } = this;
    const examples = state.examplesAt('train', epoch, range.begin, range.end, true);
    return {
      examples,
      x: state.readExamples('gradient', 'train', examples, epoch),
      epsilon: state.drawEpsilon('gradient', step, examples),
    };
  }
}

function isSame(a: Place, b: Place): boolean {
  return a.step === b.step && a.epoch === b.epoch && a.range.begin === b.range.begin && a.range.end === b.range.end;
}
