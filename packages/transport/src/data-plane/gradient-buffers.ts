import { UnknownBufferError } from '../errors.js';
import type { SharedMemory } from './shared-memory.js';

/** The kept buffers that a member's gradients are computed into; each has a slot of shared memory of its own. */
export class GradientBuffers {
  readonly #free: Float32Array[] = [];
  readonly #slots = new Map<Float32Array, number>();
  readonly #lent = new Set<Float32Array>();

  constructor(
    private readonly runId: string,
    private readonly allocate: (length: number) => Float32Array,
    private readonly memory: SharedMemory | null,
  ) {}

  lend(length: number): Float32Array {
    let buffer = this.#free.pop();
    if (buffer === undefined) {
      buffer = this.allocate(length);
      this.#slots.set(buffer, this.#slots.size);
    }
    this.#lent.add(buffer);
    return buffer;
  }

  assertLent(buffer: Float32Array): void {
    if (!this.#lent.has(buffer)) throw new UnknownBufferError(this.runId);
  }

  giveBack(buffer: Float32Array): void {
    this.assertLent(buffer);
    this.#lent.delete(buffer);
    this.#free.push(buffer);
  }

  /** Puts a gradient where the conductor can read it; null when that is not possible. */
  share(buffer: Float32Array): number | null {
    const slot = this.#slots.get(buffer);
    if (this.memory === null || slot === undefined) return null;
    return this.memory.writeSlot(slot, bytesOf(buffer)) ? slot : null;
  }
}

export function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
