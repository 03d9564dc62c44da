import { ArenaCapacityError, ArenaExhaustedError, ForeignTensorError } from './errors.js';
import { Memory, type SharedMemory } from './web-assembly.js';

/** Where a tensor lies in an arena: what is posted to another thread instead of the tensor. */
export interface TensorRef {
  readonly byteOffset: number;
  /** Elements. */
  readonly length: number;
}

/** A cache line: no two tensors share one, so threads that write neighbours do not slow each other down. */
const alignment = 64;
const pageBytes = 65_536;
/** Room beyond the capacity: the header, the alignment of tensors and the scratch of each thread's kernels. */
const marginBytes = 1 << 20;
const limitBytes = 2 ** 32 - marginBytes;

const magic = 0x0e1b0a;
/** Indices of the header's 32-bit words. `next` counts cache lines, so that 4 GiB fit. */
const magicWord = 0;
const nextWord = 1;

/**
 * The memory of a process's tensors: one shared WebAssembly memory, which the kernels of every thread work on. Tensors
 * are allocated one behind the other and never freed: a run keeps a fixed number of buffers. The pages of a tensor are
 * taken from the system when they are first written.
 */
export class TensorArena {
  readonly #buffer: SharedArrayBuffer;
  readonly #header: Int32Array;

  /**
   * @param capacityBytes Bytes for tensors, at most 4 GiB less 1 MiB.
   * @param memory Leave it out: `attach` gives it.
   * @throws ArenaCapacityError when the capacity is more than that, or the system does not give it.
   */
  constructor(
    readonly capacityBytes: number,
    /** Post it to a Worker, and attach to it there. */
    readonly memory: SharedMemory = reserve(capacityBytes),
  ) {
    this.#buffer = memory.buffer;
    this.#header = new Int32Array(this.#buffer, 0, 2);
    Atomics.compareExchange(this.#header, nextWord, 0, 1);
    this.#header[magicWord] = magic;
  }

  /** The arena of another thread of this process. Both may allocate. @throws ForeignTensorError for other memories */
  static attach(memory: SharedMemory): TensorArena {
    if (new Int32Array(memory.buffer, 0, 1)[0] !== magic) {
      throw new ForeignTensorError('the memory', 'is not one of a tensor arena: post arena.memory');
    }
    return new TensorArena(memory.buffer.byteLength - marginBytes, memory);
  }

  /** Bytes that are not allocated yet. */
  get remainingBytes(): number {
    return this.#buffer.byteLength - Atomics.load(this.#header, nextWord) * alignment;
  }

  /** A tensor of zeros. @throws ArenaExhaustedError */
  allocate(length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, this.#take(length * 4), length);
  }

  /** @throws ArenaExhaustedError */
  allocateFloat64(length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#buffer, this.#take(length * 8), length);
  }

  /** @throws ArenaExhaustedError */
  allocateBytes(length: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#take(length), length);
  }

  /** Whether `view` lies in this arena. */
  owns(view: ArrayBufferView): boolean {
    return view.buffer === this.#buffer;
  }

  /** @throws ForeignTensorError when `view` does not lie in this arena. */
  refOf(view: Float32Array | Float64Array): TensorRef {
    if (!this.owns(view)) throw new ForeignTensorError('the tensor');
    return { byteOffset: view.byteOffset, length: view.length };
  }

  /** The tensor that another thread's `refOf` named. @throws RangeError when it reaches beyond the arena. */
  view({ byteOffset, length }: TensorRef): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, byteOffset, length);
  }

  viewFloat64({ byteOffset, length }: TensorRef): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#buffer, byteOffset, length);
  }

  #take(bytes: number): number {
    const lines = Math.ceil(bytes / alignment);
    const end = this.#buffer.byteLength / alignment;
    for (;;) {
      const next = Atomics.load(this.#header, nextWord);
      if (!(next + lines <= end)) throw new ArenaExhaustedError(bytes, (end - next) * alignment, this.capacityBytes);
      if (Atomics.compareExchange(this.#header, nextWord, next, next + lines) === next) return next * alignment;
    }
  }
}

function reserve(capacityBytes: number): SharedMemory {
  if (!(capacityBytes >= 0 && capacityBytes <= limitBytes)) throw new ArenaCapacityError(capacityBytes, limitBytes);
  const pages = Math.ceil((capacityBytes + marginBytes) / pageBytes);
  try {
    return new Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new ArenaCapacityError(capacityBytes, limitBytes, { cause });
  }
}
