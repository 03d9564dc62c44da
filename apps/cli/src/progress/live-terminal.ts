import type { RunEvent } from '@elbo/protocol/events';
import { type EventSink, type TextOutput, transportNoticeCode } from './event-sink.js';
import { amount, duration, headline, nats, printable, speed } from './format.js';
import { endLines, epochLine } from './plain-lines.js';
import { RunTracker } from './run-tracker.js';
import { sparkline } from './sparkline.js';
import { plainStyle, type Style } from './style.js';

const millisecondsBetweenDraws = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
// Without it a line that reaches the right edge would take two rows, and the redraw would miss one.
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';
const clearToEnd = '\x1b[J';

/**
 * Progress on a terminal: two lines drawn over and over, and above them what stays (a line for each epoch, notices).
 * It draws when events come, ten times a second at most, and never on a timer of its own.
 */
export class LiveTerminal implements EventSink {
  private readonly tracker = new RunTracker();
  private linesDrawn = 0;
  private lastDrawAt = Number.NEGATIVE_INFINITY;
  private open = false;
  private readonly restoreOnExit = (): void => this.close();

  constructor(
    private readonly output: TextOutput,
    private readonly style: Style = plainStyle,
    private readonly now: () => number = () => performance.now(),
  ) {}

  handle(event: RunEvent): void {
    this.tracker.observe(event);
    switch (event.event) {
      case 'run-started':
        this.begin();
        this.keep(this.style.bold(printable(headline(event, this.tracker.transportReason))));
        this.keep(this.style.dim(printable(amount(event))));
        break;
      case 'step':
        if (this.now() - this.lastDrawAt >= millisecondsBetweenDraws) this.draw();
        break;
      case 'epoch':
        this.keep(printable(epochLine(event, this.tracker.started)));
        break;
      case 'notice':
        if (event.code === transportNoticeCode) break;
        this.keep(
          event.level === 'warning'
            ? this.style.warn(`warning: ${printable(event.message)}`)
            : printable(event.message),
        );
        break;
      case 'checkpoint':
        break;
      default:
        this.close();
        for (const line of endLines(event, this.tracker.started)) this.output.write(`${printable(line)}\n`);
    }
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    process.removeListener('exit', this.restoreOnExit);
    this.output.write(`${this.erase()}${wrapOn}${showCursor}`);
  }

  private begin(): void {
    if (this.open) return;
    this.open = true;
    process.once('exit', this.restoreOnExit);
    this.output.write(hideCursor);
  }

  /** Writes a line that stays, above the two that are redrawn. */
  private keep(line: string): void {
    this.output.write(`${this.erase()}${this.open ? wrapOn : ''}${line}\n`);
    if (this.open && this.tracker.lastStep) this.draw();
  }

  private draw(): void {
    if (!this.open) return;
    this.lastDrawAt = this.now();
    const width = Math.max(1, (this.output.columns ?? 80) - 1);
    const lines = this.liveLines(width);
    this.output.write(`${this.erase()}${wrapOff}${lines.join('\n')}`);
    this.linesDrawn = lines.length;
  }

  /** Back to the first of the lines drawn, and everything from there on away. */
  private erase(): string {
    const up = this.linesDrawn > 1 ? `\x1b[${this.linesDrawn - 1}A` : '';
    const text = this.linesDrawn > 0 ? `\r${up}${clearToEnd}` : '';
    this.linesDrawn = 0;
    return text;
  }

  private liveLines(width: number): string[] {
    const { lastStep, started, smoothed, imagesPerSecond, secondsLeft, curve } = this.tracker;
    if (!lastStep || !started) return [];
    const total = started.epochs * started.stepsPerEpoch;
    const position = `epoch ${lastStep.epoch}/${started.epochs}  step ${lastStep.step}/${total}`;
    const left = Number.isNaN(secondsLeft) ? '' : `${duration(secondsLeft)} left`;
    const rate = speed(imagesPerSecond, started);
    // From the widest form to the narrowest: the first that fits is drawn.
    const first = fitting(width, [
      [position, rate, left],
      [position, left],
      [`step ${lastStep.step}/${total}`, left],
      [`${lastStep.step}/${total}`],
    ]);
    const elbo = `ELBO ${nats(smoothed.elbo)}`;
    const second = fitting(width, [
      [elbo, `reconstruction ${nats(smoothed.reconstructionLogProb)}`, `KL ${nats(smoothed.klDivergence)}`],
      [elbo, `KL ${nats(smoothed.klDivergence)}`],
      [elbo],
    ]);
    const room = width - second.length - 2;
    const drawing = room >= 4 ? `  ${this.style.accent(sparkline(curve.points, Math.min(room, 48)))}` : '';
    return [this.style.dim(first), `${second}${drawing}`];
  }
}

function fitting(width: number, forms: readonly (readonly string[])[]): string {
  const written = forms.map((parts) => parts.filter(Boolean).join('  '));
  return written.find((line) => line.length <= width) ?? (written.at(-1) as string).slice(0, width);
}
