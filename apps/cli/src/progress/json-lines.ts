import type { RunEvent } from '@elbo/protocol/events';
import type { EventSink, TextOutput } from './event-sink.js';

/** `--json`: every event as one line of JSON, and nothing else. */
export class JsonLines implements EventSink {
  constructor(private readonly output: TextOutput) {}

  handle(event: RunEvent): void {
    this.output.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}
