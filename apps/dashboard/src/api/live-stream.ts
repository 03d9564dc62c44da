import { signal } from '@preact/signals';
import { api, reasonOf } from './client.js';
import { checkSession } from './session.js';

/** Asleep: the tab is in the background, and the stream is closed until somebody looks again. */
export type Connection = 'connecting' | 'live' | 'lost' | 'asleep';

/** Of the view that is open: one stream at a time, for browsers open few connections to one host. */
export const connection = signal<Connection>('connecting');

const firstRetryMs = 500;
const longestRetryMs = 8000;
const hiddenBeforeSleepMs = 5000;
/** After so long without a word the coordinator is asked whether it is still there: a dead network says nothing. */
const silenceMs = 15_000;

export interface LiveStreamOptions {
  readonly path: string;
  /** Events by name; the data is JSON. */
  readonly on: Readonly<Record<string, (data: unknown) => void>>;
  /** Whether the first connection wants all that is kept. */
  readonly fromStart?: boolean;
  /** Each time that it is connected; `again` after the first. */
  readonly onLive?: (again: boolean) => void;
}

/**
 * Server-sent events that go on after the last one handled (`after`, with the id of that event) when the connection
 * breaks, the coordinator restarts, or the tab comes back from the background.
 */
export class LiveStream {
  #source: EventSource | null = null;
  #lastId: string | null = null;
  #retryMs = firstRetryMs;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #sleep: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #connectedBefore = false;
  #closed = false;

  constructor(private readonly options: LiveStreamOptions) {
    document.addEventListener('visibilitychange', this.#onVisibility);
    addEventListener('online', this.#reopen);
    addEventListener('offline', this.#onLost);
    connection.value = 'connecting';
    this.#open();
  }

  close(): void {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    removeEventListener('online', this.#reopen);
    removeEventListener('offline', this.#onLost);
    clearTimeout(this.#sleep);
    this.#disconnect();
    connection.value = 'connecting';
  }

  #open(): void {
    this.#disconnect();
    const source = new EventSource(this.#address());
    this.#source = source;
    this.#heard(); // a dead network does not say that there is no connection either
    source.onopen = () => this.#onOpen();
    source.onerror = this.#onLost;
    for (const [name, handle] of Object.entries(this.options.on)) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#heard();
        handle(JSON.parse(event.data));
        if (event.lastEventId !== '') this.#lastId = event.lastEventId;
      });
    }
  }

  #address(): string {
    const { path, fromStart } = this.options;
    if (this.#lastId !== null) return `${api}/${path}?after=${encodeURIComponent(this.#lastId)}`;
    return fromStart ? `${api}/${path}?from=start` : `${api}/${path}`;
  }

  #disconnect(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #onOpen(): void {
    this.#retryMs = firstRetryMs;
    connection.value = 'live';
    this.#heard();
    this.options.onLive?.(this.#connectedBefore);
    this.#connectedBefore = true;
  }

  /** Closes and tries again later, ever more seldom. */
  readonly #onLost = (): void => {
    if (this.#closed || connection.value === 'asleep') return;
    this.#disconnect();
    connection.value = 'lost';
    this.#retry = setTimeout(() => {
      // A refused session would look like a lost connection for ever.
      checkSession().then(this.#reopen, this.#onLost);
    }, this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, longestRetryMs);
  };

  readonly #reopen = (): void => {
    if (!this.#closed && connection.value !== 'asleep') this.#open();
  };

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => checkSession().then(this.#onAnswer, this.#onLost), silenceMs);
  }

  /** The coordinator is there and the stream is silent: there is nothing to say, or it never came to be. */
  readonly #onAnswer = (): void => {
    if (this.#source?.readyState === EventSource.OPEN) this.#heard();
    else this.#reopen();
  };

  readonly #onVisibility = (): void => {
    clearTimeout(this.#sleep);
    if (document.hidden) {
      this.#sleep = setTimeout(() => {
        this.#disconnect();
        connection.value = 'asleep';
      }, hiddenBeforeSleepMs);
    } else if (connection.value === 'asleep') {
      connection.value = 'connecting';
      this.#open();
    }
  };
}

/** Data from the stream that the schema refuses is told in the console and left out: the next may be good. */
export function accepting<T>(
  schema: { parse: (data: unknown) => T },
  take: (value: T) => void,
): (data: unknown) => void {
  return (data) => {
    try {
      take(schema.parse(data));
    } catch (error) {
      console.warn(`an event of the stream was not understood: ${reasonOf(error)}`);
    }
  };
}
