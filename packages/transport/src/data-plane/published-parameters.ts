import { crc32 } from 'node:zlib';
import { bytesOf } from './gradient-buffers.js';
import { SharedMemory } from './shared-memory.js';

/**
 * The current parameter version of a run, kept apart from the coordinator's array, which it may update in place.
 * It lives in two slots of shared memory where there is such a thing (members of the same host read it there), else
 * in one buffer. Parts of it for sockets are copied out of it into chunks of each member's own: a version that is
 * replaced while a slow member still receives it is simply given up, so nothing torn is ever sent and memory is fixed.
 */
export class PublishedParameters {
  version = -1;
  parameterCount = 0;
  #memory: SharedMemory | null = SharedMemory.create();
  #slot = 0;
  #kept: Uint8Array | null = null;
  readonly #partCrcs = new Map<number, number>();

  get byteLength(): number {
    return this.parameterCount * 4;
  }

  /** What members of the same host read from; null when there is none. */
  get memory(): SharedMemory | null {
    return this.#memory;
  }

  replace(version: number, parameters: Float32Array): void {
    const bytes = bytesOf(parameters);
    this.version = version;
    this.#partCrcs.clear();
    this.parameterCount = parameters.length;
    if (this.#memory !== null) {
      this.#slot = 1 - this.#slot;
      if (this.#memory.writeStamped(this.#slot, version, bytes)) return;
      this.#memory.close();
      this.#memory = null;
    }
    if (this.#kept?.length !== bytes.length) this.#kept = new Uint8Array(bytes.length);
    this.#kept.set(bytes);
  }

  /**
   * Copies a part of the current version, and returns its CRC-32. Every reader asks for the same parts: the checksum of
   * each is computed once a version.
   */
  readPart(byteOffset: number, target: Uint8Array): number {
    if (this.#kept !== null) target.set(this.#kept.subarray(byteOffset, byteOffset + target.length));
    else this.#memory?.readSlotPart(this.#slot, this.byteLength, byteOffset, target);
    let crc = this.#partCrcs.get(byteOffset);
    if (crc === undefined) {
      crc = crc32(target);
      this.#partCrcs.set(byteOffset, crc);
    }
    return crc;
  }

  close(): void {
    this.#memory?.close();
    this.#memory = null;
    this.#kept = null;
  }
}
