import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WireBytes } from '../conductor-transport.js';
import { encodeFrameHead, type FrameHandler, FrameReader, type FrameType, frameTypes } from './frame.js';

const beatMs = 1000;
/** Beats without a byte from the other side after which it is held for dead. */
const quietBeatsAllowed = 5;

/**
 * A duplex stream that carries frames, with heartbeats. Silence is counted in this process's own beats, not by the
 * clock: a process that was stopped and goes on does not hold the other side for dead.
 */
export class FrameSocket {
  closed = false;
  readonly #reader: FrameReader;
  readonly #beat: NodeJS.Timeout;
  #quietBeats = 0;

  /** `onClose` is called once, with what ended the connection (null: the other side closed it in order). */
  constructor(
    private readonly stream: Duplex,
    head: Buffer,
    handler: FrameHandler,
    private readonly onClose: (error: Error | null) => void,
  ) {
    this.#reader = new FrameReader(handler);
    if (stream instanceof Socket) {
      stream.setNoDelay(true);
      stream.setTimeout(0);
    }
    if (head.length > 0) stream.unshift(head);
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.destroy(error));
    stream.on('end', () => this.destroy(null));
    stream.on('close', () => this.destroy(null));
    this.#beat = setInterval(() => this.#onBeat(), beatMs);
    this.#beat.unref();
  }

  /** Of its connection so far; zeros of a stream that is none. */
  get wireBytes(): WireBytes {
    if (!(this.stream instanceof Socket)) return { sent: 0, received: 0 };
    return { sent: this.stream.bytesWritten ?? 0, received: this.stream.bytesRead };
  }

  /** `payloadCrc`: its CRC-32, when known. `onFlushed`: the payload has left this process's memory, or never will. */
  send(
    type: FrameType,
    header?: unknown,
    payload: Uint8Array | null = null,
    payloadCrc?: number,
    onFlushed?: () => void,
  ): void {
    if (this.closed) {
      onFlushed?.();
      return;
    }
    const head = encodeFrameHead(type, header, payload, payloadCrc);
    if (payload === null) {
      this.stream.write(head);
      return;
    }
    this.stream.cork();
    this.stream.write(head);
    this.stream.write(payload, onFlushed);
    this.stream.uncork();
  }

  /** Says a last word and closes when it is sent. */
  end(type: FrameType, header?: unknown): void {
    if (this.closed) return;
    this.send(type, header);
    this.#close(null);
    this.stream.end();
    const patience = setTimeout(() => this.stream.destroy(), beatMs);
    this.stream.once('close', () => clearTimeout(patience));
    patience.unref();
  }

  destroy(error: Error | null): void {
    if (this.closed) return;
    this.#close(error);
    this.stream.destroy();
  }

  #close(error: Error | null): void {
    this.closed = true;
    this.#reader.end();
    clearInterval(this.#beat);
    this.onClose(error);
  }

  #receive(chunk: Buffer): void {
    if (this.closed) return;
    this.#quietBeats = 0;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onBeat(): void {
    if (++this.#quietBeats > quietBeatsAllowed) {
      this.destroy(new Error(`nothing was heard for ${quietBeatsAllowed} seconds`));
      return;
    }
    this.send(frameTypes.ping);
  }
}
