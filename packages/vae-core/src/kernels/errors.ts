/** More memory for tensors was asked for than one arena can have. */
export class ArenaCapacityError extends Error {
  readonly code = 'ARENA_CAPACITY';
  override readonly name = 'ArenaCapacityError';

  constructor(
    readonly requestedBytes: number,
    /** The largest capacity of an arena. */
    readonly limitBytes: number,
    options?: ErrorOptions,
  ) {
    super(
      options?.cause === undefined
        ? `a tensor arena of ${requestedBytes} bytes was asked for, and one arena holds from 0 to ${limitBytes} bytes ` +
            '(WebAssembly addresses 4 GiB). Use fewer shards a step, fewer threads or a smaller model'
        : `the memory for a tensor arena of ${requestedBytes} bytes cannot be reserved. ` +
            'Free memory or raise the limit of this process, or use fewer shards a step, fewer threads or a smaller model',
      options,
    );
  }
}

/** The arena has no room for one more tensor. */
export class ArenaExhaustedError extends Error {
  readonly code = 'ARENA_EXHAUSTED';
  override readonly name = 'ArenaExhaustedError';

  constructor(
    readonly requestedBytes: number,
    readonly remainingBytes: number,
    readonly capacityBytes: number,
  ) {
    super(
      `the tensor arena cannot hold ${requestedBytes} bytes more: ${remainingBytes} of its ${capacityBytes} bytes are ` +
        'left. Construct it with the capacity for all of the buffers it has to hold',
    );
  }
}

/** An array or a memory that does not lie where the kernels can reach it. */
export class ForeignTensorError extends Error {
  readonly code = 'FOREIGN_TENSOR';
  override readonly name = 'ForeignTensorError';

  constructor(
    /** Which argument, such as `target` or `sources[2]`. */
    readonly argument: string,
    problem = 'does not lie in the tensor arena of these kernels. Allocate it with arena.allocate, or copy it to a tensor that is',
  ) {
    super(`${argument} ${problem}`);
  }
}

/** Tensors of a kernel's call that do not fit together. */
export class TensorMismatchError extends Error {
  readonly code = 'TENSOR_MISMATCH';
  override readonly name = 'TensorMismatchError';

  constructor(
    readonly argument: string,
    problem: string,
  ) {
    super(`${argument} ${problem}`);
  }
}

/** The compiled kernels are not beside this package's JavaScript. */
export class KernelsMissingError extends Error {
  readonly code = 'KERNELS_MISSING';
  override readonly name = 'KernelsMissingError';

  constructor(
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(`the compiled kernels cannot be read at ${path}. Build them with npm run build`, options);
  }
}
