import { FrameError, StaleVersionError } from '../errors.js';
import { anyVersion, VersionWaiters } from '../version-waiters.js';
import { bytesOf } from './gradient-buffers.js';
import type { ForeignMemory } from './shared-memory.js';

/**
 * The member's copies of the parameters: two kept buffers, filled in turn, so that a version stays while the next
 * one arrives.
 */
export class ReceivedParameters {
  parameterCount = 0;
  readonly #buffers: Float32Array[] = [];
  /** What each buffer holds; -1 while it is being filled. */
  readonly #versions = [-1, -1];
  #newest = -1;
  /** The buffer and version that parts are arriving for. */
  #filling = 0;
  #arriving = -1;
  #arrived = 0;
  readonly #waiters: VersionWaiters;

  constructor(
    private readonly runId: string,
    private readonly allocate: (length: number) => Float32Array,
  ) {
    this.#waiters = new VersionWaiters(runId);
  }

  get(version: number): Promise<Float32Array> {
    const held = version < 0 ? -1 : this.#versions.indexOf(version);
    if (held >= 0) return Promise.resolve(this.#buffers[held] as Float32Array);
    if (version <= this.#newest) return Promise.reject(new StaleVersionError(this.runId, version, this.#newest));
    return this.#waiters.wait(version);
  }

  /** Resolves when the length of the parameters is known. */
  async whenSized(): Promise<number> {
    if (this.parameterCount === 0) await this.#waiters.wait(anyVersion);
    return this.parameterCount;
  }

  /** A part of a version is about to arrive: where it goes. @throws FrameError when it does not follow the last. */
  partTarget(version: number, parameterCount: number, byteOffset: number, byteLength: number): Uint8Array {
    if (byteOffset === 0) this.#start(version, parameterCount);
    if (version !== this.#arriving || byteOffset !== this.#arrived || parameterCount !== this.parameterCount) {
      throw new FrameError(`a part of parameter version ${version} came out of order`);
    }
    const buffer = this.#buffers[this.#filling] as Float32Array;
    if (byteOffset + byteLength > buffer.byteLength) throw new FrameError('the parameters are longer than announced');
    this.#arrived = byteOffset + byteLength;
    return bytesOf(buffer).subarray(byteOffset, this.#arrived);
  }

  partArrived(): void {
    if (this.#arrived === this.parameterCount * 4) this.#finish();
  }

  readFrom(memory: ForeignMemory, version: number, parameterCount: number): void {
    this.#start(version, parameterCount);
    const buffer = this.#buffers[this.#filling] as Float32Array;
    // When the conductor has published again meanwhile, its next message is already on the way.
    if (memory.readStamped(version, bytesOf(buffer))) this.#finish();
  }

  fail(error: Error): void {
    this.#waiters.fail(error);
  }

  #start(version: number, parameterCount: number): void {
    if (version < this.#newest) throw new FrameError(`parameter version ${version} came after ${this.#newest}`);
    if (this.parameterCount === 0) {
      this.parameterCount = parameterCount;
      this.#buffers.push(this.allocate(parameterCount), this.allocate(parameterCount));
    }
    if (parameterCount !== this.parameterCount) {
      throw new FrameError(`the parameters were ${this.parameterCount} long and are ${parameterCount} now`);
    }
    this.#filling = this.#versions[0] === this.#newest && this.#newest >= 0 ? 1 : 0;
    this.#versions[this.#filling] = -1;
    this.#arriving = version;
    this.#arrived = 0;
  }

  #finish(): void {
    const version = this.#arriving;
    this.#versions[this.#filling] = version;
    this.#newest = version;
    this.#arriving = -1;
    this.#waiters.arrived(version, this.#buffers[this.#filling] as Float32Array);
  }
}
