import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Frame } from './frame.js';

/** What a watcher may leave unread: more, and it is too slow to be kept. */
const mostUnreadBytes = 1024 * 1024;
const slowestMs = 30_000;

/** One who watches: the open answer to a request. */
export class Watcher {
  /** What comes while that which is to come first is found and sent; null once it is. */
  #waiting: Frame[] | null = [];
  #waitingBytes = 0;
  /** What came first, and may come again by the stream that it joins. */
  #sentFirst = new Set<string>();

  constructor(private readonly response: ServerResponse) {
    response.on('error', () => {}); // it went away
  }

  get gone(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Sends it at once, or drops a watcher that has left too much unread. */
  send(frame: Frame): void {
    if (this.gone) return;
    if (this.#waiting) {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.bytes.length;
    } else if (frame.id !== null && this.#sentFirst.size > 0) {
      if (this.#sentFirst.has(frame.id)) return;
      this.#sentFirst.clear(); // events come in order: none of these comes again
      this.response.write(frame.bytes);
    } else {
      this.response.write(frame.bytes);
    }
    if (this.response.writableLength + this.#waitingBytes > mostUnreadBytes) this.drop();
  }

  /** Sends these no faster than they are read, and then what has waited. */
  async sendFirst(frames: readonly Frame[]): Promise<void> {
    for (const { id, bytes } of frames) {
      if (this.gone) return;
      if (id !== null) this.#sentFirst.add(id);
      if (this.response.write(bytes)) continue;
      await once(this.response, 'drain', { signal: AbortSignal.timeout(slowestMs) }).catch(() => this.drop());
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#waitingBytes = 0;
    for (const frame of waiting) this.send(frame);
  }

  end(): void {
    this.response.end();
  }

  drop(): void {
    this.response.destroy();
  }
}
