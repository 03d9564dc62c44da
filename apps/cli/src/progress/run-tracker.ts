import type { RunEvent, RunStartedEvent, StepEvent } from '@elbo/protocol/events';
import { transportNoticeCode } from './event-sink.js';
import { CompactCurve } from './sparkline.js';

/** What the renderers know of a run, from its events alone (their clock included). */
export class RunTracker {
  started: RunStartedEvent | null = null;
  lastStep: StepEvent | null = null;
  transportReason: string | null = null;
  /** ELBO, reconstruction and KL of the last steps: means with exponentially falling weights. */
  readonly smoothed = { elbo: 0, reconstructionLogProb: 0, klDivergence: 0 };
  imagesPerSecond = 0;
  readonly curve = new CompactCurve(256);
  private weight = 0;
  private first: { readonly step: number; readonly time: number } | null = null;

  observe(event: RunEvent): void {
    if (event.event === 'run-started') this.started = event;
    if (event.event === 'notice' && event.code === transportNoticeCode) this.transportReason = event.message;
    if (event.event === 'step') this.observeStep(event);
  }

  /** Seconds until the last step, at the mean speed so far; NaN before there is one. */
  get secondsLeft(): number {
    if (!this.started || !this.first || !this.lastStep) return Number.NaN;
    const steps = this.lastStep.step - this.first.step;
    const left = this.started.epochs * this.started.stepsPerEpoch - this.lastStep.step;
    return steps > 0 ? ((this.lastStep.time - this.first.time) / 1000 / steps) * left : Number.NaN;
  }

  private observeStep(event: StepEvent): void {
    this.lastStep = event;
    this.first ??= { step: event.step, time: event.time };
    this.weight = 0.97 * this.weight + 1;
    const share = 1 / this.weight;
    for (const term of ['elbo', 'reconstructionLogProb', 'klDivergence'] as const) {
      this.smoothed[term] += share * (event[term] - this.smoothed[term]);
    }
    this.imagesPerSecond += share * (event.imagesPerSecond - this.imagesPerSecond);
    this.curve.add(event.elbo);
  }
}
