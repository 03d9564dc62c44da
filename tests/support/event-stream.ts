import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface StreamEvent {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: string;
}

/** Server-sent events as they come. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  /** Resolves when the server has closed it, or it was closed here. */
  readonly ended: Promise<void>;

  private constructor(
    readonly response: Response,
    abort: AbortController,
  ) {
    this.#abort = abort;
    this.ended = this.#read().catch(() => {}); // closed
  }

  static async open(open: (init: RequestInit) => Promise<Response>): Promise<EventStream> {
    const abort = new AbortController();
    return new EventStream(await open({ signal: abort.signal }), abort);
  }

  /** Resolves with all events so far when they are enough. */
  async until(enough: (events: readonly StreamEvent[]) => boolean, withinMs = 30_000): Promise<readonly StreamEvent[]> {
    const late = new Promise<never>((_, reject) => {
      AbortSignal.timeout(withinMs).addEventListener('abort', () => {
        reject(new Error(`not within ${withinMs} ms; came: ${JSON.stringify(this.events.slice(-10))}`));
      });
    });
    late.catch(() => {}); // it came in time
    while (!enough(this.events)) await Promise.race([late, new Promise<void>((more) => this.#waiting.add(more))]);
    return this.events;
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    const body = this.response.body as ReadableStream<Uint8Array>;
    const parsed = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event, id, data } of parsed) {
      this.events.push({ event, id, data });
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    }
  }
}
