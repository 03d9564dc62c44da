import { frameTypes } from './frame.js';
import type { FrameSocket } from './frame-socket.js';
import type { PublishedParameters } from './published-parameters.js';

const chunkBytes = 256 * 1024;
const chunkCount = 4;

/**
 * Streams the current parameter version to one member, in chunks of its own memory. When a newer version is
 * published it starts over with that one: a slow member skips versions, and nothing queues up for it.
 */
export class ParameterSender {
  readonly #free: Uint8Array[] = [];
  #sending = -1;
  #byteOffset = 0;

  constructor(
    private readonly socket: FrameSocket,
    private readonly parameters: PublishedParameters,
  ) {}

  offer(): void {
    if (this.#sending < 0) for (let i = 0; i < chunkCount; i++) this.#free.push(new Uint8Array(chunkBytes));
    this.#sending = this.parameters.version;
    this.#byteOffset = 0;
    this.#fill();
  }

  #fill(): void {
    const { version, parameterCount, byteLength } = this.parameters;
    if (version !== this.#sending) return;
    while (this.#byteOffset < byteLength && !this.socket.closed) {
      const chunk = this.#free.pop();
      if (chunk === undefined) return;
      const part = chunk.subarray(0, Math.min(chunkBytes, byteLength - this.#byteOffset));
      const crc = this.parameters.readPart(this.#byteOffset, part);
      const header = { version, parameterCount, byteOffset: this.#byteOffset };
      this.#byteOffset += part.length;
      this.socket.send(frameTypes.parameters, header, part, crc, () => {
        this.#free.push(chunk);
        this.#fill();
      });
    }
  }
}
