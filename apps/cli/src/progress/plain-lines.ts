import type { EpochEvent, RunEvent, RunStartedEvent } from '@elbo/protocol/events';
import { type EventSink, type TextOutput, transportNoticeCode } from './event-sink.js';
import { amount, duration, headline, nats, printable, speed, terms } from './format.js';
import { RunTracker } from './run-tracker.js';

const millisecondsBetweenLines = 5000;

/** Progress into a pipe or a file: a line for each epoch, and one every five seconds between. */
export class PlainLines implements EventSink {
  private readonly tracker = new RunTracker();
  private lastLineAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly output: TextOutput,
    /** `--quiet`: only warnings and the end. */
    private readonly quiet = false,
  ) {}

  handle(event: RunEvent): void {
    this.tracker.observe(event);
    switch (event.event) {
      case 'run-started':
        this.lastLineAt = event.time;
        this.tell(headline(event, this.tracker.transportReason));
        this.tell(amount(event));
        break;
      case 'step':
        if (event.time - this.lastLineAt < millisecondsBetweenLines) break;
        this.lastLineAt = event.time;
        this.tell(this.stepLine());
        break;
      case 'epoch':
        this.lastLineAt = event.time;
        this.tell(epochLine(event, this.tracker.started));
        break;
      case 'notice':
        if (event.code === transportNoticeCode) break;
        if (event.level === 'warning') this.line(`warning: ${event.message}`);
        else this.tell(event.message);
        break;
      case 'checkpoint':
        break;
      default:
        for (const line of endLines(event, this.tracker.started)) this.line(line);
    }
  }

  close(): void {}

  private stepLine(): string {
    const { lastStep, started, smoothed, imagesPerSecond, secondsLeft } = this.tracker;
    const total = started ? `/${started.epochs * started.stepsPerEpoch}` : '';
    const left = Number.isNaN(secondsLeft) ? '' : `  ${duration(secondsLeft)} left`;
    return `  step ${lastStep?.step}${total}  ELBO ${terms(smoothed)}  ${speed(imagesPerSecond, started)}${left}`;
  }

  private tell(text: string): void {
    if (!this.quiet) this.line(text);
  }

  private line(text: string): void {
    this.output.write(`${printable(text)}\n`);
  }
}

/** `epoch 3/10  train −107.20  test −105.90 (reconstruction −80.60, KL 25.30)  26,120 images/s  2.3 s` */
export function epochLine(event: EpochEvent, started: RunStartedEvent | null): string {
  const epochs = started?.epochs;
  const total = epochs === undefined ? '' : `/${epochs}`;
  const number = String(event.epoch).padStart(String(epochs ?? '').length);
  const best = event.test ?? event.validation;
  const train = best ? `train ${nats(event.train.elbo)}` : `train ${terms(event.train)}`;
  const validation = event.validation && event.test ? `  validation ${nats(event.validation.elbo)}` : '';
  const tested = event.test ? `  test ${terms(event.test)}` : '';
  const only = !event.test && event.validation ? `  validation ${terms(event.validation)}` : '';
  const rate = speed(event.imagesPerSecond, started);
  return `epoch ${number}${total}  ${train}${validation}${tested}${only}  ${rate}  ${duration(event.seconds)}`;
}

/** What is said when a run is over. */
export function endLines(
  event: Extract<RunEvent, { event: 'run-finished' | 'run-failed' }>,
  started: RunStartedEvent | null,
): string[] {
  if (event.event === 'run-failed') return [`the run failed (${event.code}): ${event.message}`];
  const how = event.outcome === 'completed' ? 'done' : 'interrupted and saved';
  return [
    `${how} after step ${event.step} in ${duration(event.seconds)}, ${speed(event.imagesPerSecond, started)}`,
    `parameters sha256 ${event.parametersSha256}`,
    `run folder ${event.runFolder}`,
  ];
}
