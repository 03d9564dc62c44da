/** A bounded set of kept gradient buffers for microbatches whose turn to be added has not come. */
export class ScratchBuffers {
  readonly #free: Float32Array[] = [];

  /** @param window Microbatches of one shard that may be on the threads or waiting at the same time. */
  constructor(
    readonly window: number,
    private readonly allocate: () => Float32Array,
  ) {}

  lend(): Float32Array {
    return this.#free.pop() ?? this.allocate();
  }

  giveBack(buffer: Float32Array): void {
    this.#free.push(buffer);
  }
}
