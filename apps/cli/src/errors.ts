/** A command line that cannot be carried out. `elbo` prints the message and ends with exit code 2. */
export class UsageError extends Error {
  readonly code: string = 'usage';
  override readonly name: string = 'UsageError';
}

/** A run spec that does not hold. Each problem names the flag or the field, its value, and what is allowed. */
export class SpecError extends UsageError {
  override readonly code = 'bad-spec';
  override readonly name = 'SpecError';

  constructor(
    /** Where the spec came from: a file as it was typed, or `the command line`. */
    readonly origin: string,
    readonly problems: readonly string[],
  ) {
    super(`the run spec of ${origin} does not hold:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/** A safetensors file that is not one, or is not whole. */
export class SafetensorsError extends Error {
  readonly code = 'bad-safetensors';
  override readonly name = 'SafetensorsError';
}

/** A run folder that cannot be made or written. */
export class RunFolderError extends Error {
  override readonly name = 'RunFolderError';

  constructor(
    readonly code: 'folder-in-use' | 'folder-not-written' | 'not-a-run' | 'completed' | 'conducted',
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A model and the data it is used with do not fit, or what it computes is of no use. */
export class ModelUseError extends Error {
  override readonly name = 'ModelUseError';

  constructor(
    readonly code: 'no-fit' | 'not-finite',
    message: string,
  ) {
    super(message);
  }
}

/** A cluster's HTTP API that cannot be reached, does not let us in, or does not answer as it should. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';

  constructor(
    readonly code:
      | 'unreachable'
      | 'unauthorized'
      | 'forbidden'
      | 'not-found'
      | 'refused'
      | 'version-mismatch'
      | 'bad-answer',
    /** The address of the API. */
    readonly server: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
