/** What can go wrong with a data set: each kind is a class with its code, and fields that say where. */
export abstract class DatasetError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A source file or folder that cannot be read. */
export class UnreadableSourceError extends DatasetError {
  constructor(
    readonly path: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super('unreadable-source', `${path} cannot be read: ${reason}. Check the path and its permissions.`, options);
  }
}

/** A file of the right kind with something in it that its format forbids or this importer does not read. */
export class UnsupportedContentError extends DatasetError {
  constructor(
    readonly path: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super('unsupported-content', `${path}: ${reason}`, options);
  }
}

export class EmptyDatasetError extends DatasetError {
  constructor(
    readonly path: string,
    what: string,
  ) {
    super('empty-dataset', `${path} holds no ${what}. A data set needs at least one training example.`);
  }
}

export class InvalidSplitError extends DatasetError {
  constructor(readonly reason: string) {
    super('invalid-split', reason);
  }
}

export class TooLargeError extends DatasetError {
  constructor(
    readonly what: string,
    readonly size: number,
    readonly limit: number,
    unit: string,
  ) {
    super('too-large', `${what} is too large: ${size} ${unit}, and the limit is ${limit}.`);
  }
}

/** A value outside [0, 1] where probabilities are needed. */
export class ValueOutOfRangeError extends DatasetError {
  constructor(
    readonly dataset: string,
    readonly split: 'train' | 'test',
    /** Counted from 0, within the stored split. */
    readonly example: number,
    /** Index in the flat example, counted from 0. */
    readonly dimension: number,
    readonly value: number,
    reason: string,
  ) {
    super(
      'value-out-of-range',
      `Data set ${dataset}, ${split} example ${example}, dimension ${dimension}: ${value} is outside [0, 1], ` +
        `which ${reason} needs. Use the gaussian likelihood (--likelihood gaussian) with raw pixels (--pixels raw), or import the data with a smaller scale.`,
    );
  }
}

export class CorruptPackedFileError extends DatasetError {
  constructor(
    readonly path: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    const next = 'Delete it and import the data set again (a built-in one is packed again at its next use).';
    super('corrupt-packed-file', `${path} is not a whole packed data set: ${reason}. ${next}`, options);
  }
}

export class UnknownDatasetError extends DatasetError {
  constructor(
    readonly dataset: string,
    readonly known: readonly string[],
  ) {
    super('unknown-dataset', `No data set is named ${dataset}. Known: ${known.join(', ')}. Import it first.`);
  }
}

export class DatasetExistsError extends DatasetError {
  constructor(
    readonly dataset: string,
    reason: string,
  ) {
    super('dataset-exists', `The name ${dataset} is taken: ${reason}.`);
  }
}

/** A built-in data set's source is not what this version was made for. */
export class ChangedSourceError extends DatasetError {
  constructor(
    readonly dataset: string,
    readonly expectedHash: string,
    readonly actualHash: string,
  ) {
    super(
      'changed-source',
      `The installed source of ${dataset} packs to ${actualHash}, not to ${expectedHash}: its files have changed. ` +
        'Install the dependencies again (npm ci).',
    );
  }
}

/** The cache folder cannot be written: full disk, no permission. */
export class CacheWriteError extends DatasetError {
  constructor(
    readonly path: string,
    readonly bytes: number,
    cause: unknown,
  ) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'cache-write',
      `${path} (${bytes} bytes) could not be written: ${reason}. Make room or permission there, or set ELBO_CACHE to another folder.`,
      { cause },
    );
  }
}

/** What is in use leaves too little of the cache's limit. */
export class CacheFullError extends DatasetError {
  constructor(
    readonly folder: string,
    readonly bytes: number,
    /** Bytes that cannot be removed. */
    readonly held: number,
    readonly limit: number,
  ) {
    super(
      'cache-full',
      `${bytes} bytes more do not fit in ${folder}: ${held} are in use, and the limit is ${limit}. Raise ELBO_CACHE_LIMIT (--cache-limit).`,
    );
  }
}

export class InvalidCacheLimitError extends DatasetError {
  constructor(readonly text: string) {
    super(
      'invalid-cache-limit',
      `${JSON.stringify(text.slice(0, 40))} is not a limit of the cache (ELBO_CACHE_LIMIT, --cache-limit): it must look like 20GiB or 500MiB.`,
    );
  }
}

/** A data set could not be had from whoever has it. */
export class FetchedDatasetError extends DatasetError {
  constructor(
    readonly hash: string,
    reason: string,
    cause?: unknown,
  ) {
    super('fetched-dataset', `The data set ${hash.slice(0, 12)} could not be fetched: ${reason}.`, { cause });
  }
}

/** A batch was asked for that the split or the buffer cannot give. */
export class BatchRangeError extends DatasetError {
  constructor(reason: string) {
    super('batch-range', reason);
  }
}
