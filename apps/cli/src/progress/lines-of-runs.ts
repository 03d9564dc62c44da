import type { RunEvent } from '@elbo/protocol/events';
import type { EventSink, TextOutput } from './event-sink.js';
import { PlainLines } from './plain-lines.js';

/** Notices after which this coordinator has nothing more to say of a run. */
const parting: ReadonlySet<string> = new Set(['given-back', 'paused', 'cancelled', 'deposed']);

/** Progress of runs that go on at the same time: the lines of each behind its id. */
export class LinesOfRuns implements EventSink {
  readonly #runs = new Map<string, PlainLines>();

  constructor(private readonly output: TextOutput) {}

  handle(event: RunEvent): void {
    const { runId } = event;
    const lines = this.#runs.get(runId) ?? new PlainLines({ write: (text) => this.output.write(`${runId}  ${text}`) });
    this.#runs.set(runId, lines);
    lines.handle(event);
    const over = event.event === 'notice' ? parting.has(event.code) : /^run-(finished|failed)$/.test(event.event);
    if (over) this.#runs.delete(runId);
  }

  close(): void {}
}
