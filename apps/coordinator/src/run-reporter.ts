import type { RunEvent } from '@elbo/protocol/events';
import type { TermSums } from '@elbo/protocol/messages';
import { addTermSums, meanTerms } from '@elbo/vae-core/objectives/sum-terms';
import type { EpochProgress } from './checkpoint/header.js';
import { StepPhases } from './step-phases.js';

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
  /** Of the step at hand. */
  readonly phases: StepPhases;
  #epochTerms: TermSums | null = null;
  #epochTrainingMs = 0;
  #epochBegan = 0;
  #lastStep = 0;
  #skipped = 0;
  #rate = 0;
  #trainedExamples = 0;
  #trainingMs = 0;

  constructor(
    private readonly runId: string,
    private readonly emit: EmitEvent,
    /** Wall-clock and monotonic time, milliseconds: for people only, never for results. */
    private readonly clock: { now(): number; monotonic(): number },
  ) {
    this.phases = new StepPhases(() => clock.monotonic());
  }

  /** Images a second over all training steps, evaluations and checkpoints left out. */
  get imagesPerSecond(): number {
    return perSecond(this.#trainedExamples, this.#trainingMs);
  }

  /** Steps follow from now on: an epoch's first, or those after a checkpoint in its middle. */
  beginEpoch(): void {
    this.#lastStep = this.clock.monotonic();
    this.phases.begin();
    this.#epochBegan = this.#lastStep - this.#epochTrainingMs;
  }

  /** What the epoch has come to, for a checkpoint: a run that goes on from it reports the epoch as if never stopped. */
  progress(): EpochProgress {
    return { terms: this.#epochTerms, trainingMs: this.#epochTrainingMs };
  }

  goOnFrom({ terms, trainingMs }: EpochProgress): void {
    this.#epochTerms = terms;
    this.#epochTrainingMs = trainingMs;
  }

  step({ epoch, step, terms, gradientNorm, beta, learningRate }: StepReport): void {
    const now = this.clock.monotonic();
    const ms = now - this.#lastStep;
    this.#lastStep = now;
    this.#trainedExamples += terms.sampleCount;
    this.#trainingMs += ms;
    this.#epochTrainingMs += ms;
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
      phases: this.phases.end(ms),
    });
  }

  epoch({ epoch, step, test, validation }: EpochReport): void {
    const train = this.#epochTerms;
    if (!train) return;
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
      imagesPerSecond: perSecond(train.sampleCount, this.#epochTrainingMs),
      seconds: (this.clock.monotonic() - this.#epochBegan) / 1000,
    });
    this.#epochTerms = null;
    this.#epochTrainingMs = 0;
  }

  checkpoint(step: number, path: string): void {
    this.emit({ event: 'checkpoint', ...this.#base(), step, path });
  }

  /** An update was left out. Said of the first, the second, the fourth, the eighth and so on. */
  skipped(problem: string): void {
    const count = ++this.#skipped;
    if ((count & (count - 1)) !== 0) return;
    const nth = count === 1 ? '' : `, ${count} so far`;
    this.notice('warning', 'step-skipped', `${problem}. The update of this step is left out${nth}`);
  }

  /** At the run's end: how many updates were left out, where it was more than one. */
  reportSkipped(): void {
    if (this.#skipped < 2) return;
    this.notice(
      'warning',
      'steps-skipped',
      `the updates of ${this.#skipped} steps were left out: they were not finite`,
    );
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
