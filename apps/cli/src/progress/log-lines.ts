import type { RunEvent, RunStartedEvent } from '@elbo/protocol/events';
import type { EventSink, TextOutput } from './event-sink.js';
import { amount, headline, printable, speed, terms } from './format.js';
import { endLines, epochLine } from './plain-lines.js';

/** Every event as one line that begins with its time and its level, for people who look for something. */
export class LogLines implements EventSink {
  #started: RunStartedEvent | null = null;

  constructor(private readonly output: TextOutput) {}

  handle(event: RunEvent): void {
    if (event.event === 'run-started') this.#started = event;
    const time = new Date(event.time).toISOString();
    this.output.write(
      `${time} ${levelOf(event).padEnd(7)} ${event.runId} ${printable(inWords(event, this.#started))}\n`,
    );
  }

  close(): void {}
}

function levelOf(event: RunEvent): string {
  if (event.event === 'notice') return event.level;
  return event.event === 'run-failed' ? 'error' : 'info';
}

function inWords(event: RunEvent, started: RunStartedEvent | null): string {
  switch (event.event) {
    case 'run-started':
      return `started: ${headline(event, null)}; ${amount(event)}`;
    case 'step':
      return `step ${event.step} of epoch ${event.epoch}: ELBO ${terms(event)}  ${speed(event.imagesPerSecond, started)}`;
    case 'epoch':
      return `step ${event.step}: ${epochLine(event, started)}`;
    case 'checkpoint':
      return `step ${event.step}: saved as ${event.path}`;
    case 'notice':
      return noticeInWords(event);
    default:
      return endLines(event, started).join('; ');
  }
}

/** With all that it names: its step, shard, worker. */
function noticeInWords({
  event,
  runId,
  time,
  level,
  code,
  message,
  ...named
}: Extract<RunEvent, { event: 'notice' }>): string {
  const ids = Object.entries(named).map(([name, value]) => ` ${name}=${String(value)}`);
  return `${code}: ${message}${ids.join('')}`;
}
