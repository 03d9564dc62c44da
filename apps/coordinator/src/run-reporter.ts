import type { RunEvent } from '@elbo/protocol/events';
import type { TermSums } from '@elbo/protocol/messages';
import { addTermSums, meanTerms } from '@elbo/vae-core/objectives/sum-terms';

/** Takes the events of a run as they happen. */
export type EmitEvent = (event: RunEvent) => void;

interface StepReport {
  readonly epoch: number;
  readonly step: number;
  readonly terms: TermSums;
  readonly gradientNorm: number;
  readonly beta: number;
  readonly learningRate: number;
}

interface EpochReport {
  readonly epoch: number;
  readonly step: number;
  readonly test: TermSums | null;
  readonly validation: TermSums | null;
}

/** Turns sums into the events of a run: means in nats for each example, and rates. */
export class RunReporter {
  #epochTerms: TermSums | null = null;
  #epochBegan = 0;
  #lastStep = 0;
  #rate = 0;
  #trainedExamples = 0;
  #trainingMs = 0;

  constructor(
    private readonly runId: string,
    private readonly emit: EmitEvent,
    /** Wall-clock and monotonic time, milliseconds: for people only, never for results. */
    private readonly clock: { now(): number; monotonic(): number },
  ) {}

  /** Images a second over all training steps, evaluations and checkpoints left out. */
  get imagesPerSecond(): number {
    return perSecond(this.#trainedExamples, this.#trainingMs);
  }

  beginEpoch(): void {
    this.#epochTerms = null;
    this.#epochBegan = this.#lastStep = this.clock.monotonic();
  }

  step({ epoch, step, terms, gradientNorm, beta, learningRate }: StepReport): void {
    const now = this.clock.monotonic();
    const ms = now - this.#lastStep;
    this.#lastStep = now;
    this.#trainedExamples += terms.sampleCount;
    this.#trainingMs += ms;
    const rate = perSecond(terms.sampleCount, ms);
    this.#rate = this.#rate === 0 ? rate : 0.95 * this.#rate + 0.05 * rate;
    this.#epochTerms = this.#epochTerms ? addTermSums([this.#epochTerms, terms]) : terms;
    this.emit({
      event: 'step',
      ...this.#base(),
      epoch,
      step,
      ...meanTerms(terms),
      beta,
      learningRate,
      gradientNorm,
      examples: terms.sampleCount,
      imagesPerSecond: this.#rate,
    });
  }

  epoch({ epoch, step, test, validation }: EpochReport): void {
    const train = this.#epochTerms;
    if (!train) return;
    const trainingMs = this.#lastStep - this.#epochBegan;
    const klOf = test ?? train;
    this.emit({
      event: 'epoch',
      ...this.#base(),
      epoch,
      step,
      train: meanTerms(train),
      test: test && meanTerms(test),
      validation: validation && meanTerms(validation),
      klPerDimension: klOf.klPerDimension.map((kl) => kl / klOf.sampleCount),
      imagesPerSecond: perSecond(train.sampleCount, trainingMs),
      seconds: (this.clock.monotonic() - this.#epochBegan) / 1000,
    });
  }

  notice(level: 'info' | 'warning', code: string, message: string): void {
    this.emit({ event: 'notice', ...this.#base(), level, code, message });
  }

  #base() {
    return { runId: this.runId, time: this.clock.now() };
  }
}

function perSecond(examples: number, ms: number): number {
  return ms > 0 ? (examples / ms) * 1000 : 0;
}
