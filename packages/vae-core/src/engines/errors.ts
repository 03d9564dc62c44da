import type { EngineName } from '@elbo/protocol/run-spec';

/** An engine's library is missing or does not run on this machine. */
export class EngineUnavailableError extends Error {
  readonly code = 'ENGINE_UNAVAILABLE';
  override readonly name = 'EngineUnavailableError';

  constructor(
    readonly engine: EngineName,
    /** Why it cannot be used, in one sentence. */
    readonly reason: string,
    /** What to do about it, in one sentence. */
    readonly mend: string,
    options?: ErrorOptions,
  ) {
    super(`the engine ${engine} cannot be used: ${reason}. ${mend}`, options);
  }
}

/** A model or an objective uses an op that an engine does not have, or has no gradient for. */
export class UnsupportedOpError extends Error {
  readonly code = 'UNSUPPORTED_OP';
  override readonly name = 'UnsupportedOpError';

  constructor(
    readonly engine: EngineName,
    /** TensorFlow.js's name of the kernel, such as `Conv2D`. */
    readonly op: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(
      `the engine ${engine} does not support the op ${op}: ${detail}. ` +
        'Write the model with ops that it has, add the op to the engine, or choose another engine',
      options,
    );
  }
}

/** A program read the value of a tensor while it was being recorded: its ops would depend on the data. */
export class DataDependentControlFlowError extends Error {
  readonly code = 'DATA_DEPENDENT_CONTROL_FLOW';
  override readonly name = 'DataDependentControlFlowError';

  constructor(readonly engine: EngineName) {
    super(
      `the engine ${engine} records a program once, before there are values: reading a tensor (dataSync, data, array, ` +
        'print) inside a model or an objective is not possible. Express the choice with ops such as tf.where, or choose ' +
        'an eager engine (tfjs-node, wasm or cpu)',
    );
  }
}

/** An array given to an engine does not fit the program it was compiled for. */
export class EngineInputError extends Error {
  readonly code = 'ENGINE_INPUT';
  override readonly name = 'EngineInputError';

  constructor(
    readonly engine: EngineName,
    /** Which argument: `parameters`, `x`, `epsilon`, `gradient`, ... */
    readonly input: string,
    problem: string,
  ) {
    super(`the engine ${engine} cannot take the array given as ${input}: ${problem}`);
  }
}

/** The engine's dispose() has been called: nothing compiled by it can run any more. */
export class EngineDisposedError extends Error {
  readonly code = 'ENGINE_DISPOSED';
  override readonly name = 'EngineDisposedError';

  constructor(readonly engine: EngineName) {
    super(`the engine ${engine} was disposed; load it again to use it`);
  }
}
