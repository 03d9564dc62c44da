/** Errors of the coordinator: a code to switch on, and fields that say what it happened to. */
export abstract class CoordinatorError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Another coordinator conducts the run. */
export class RunBusyError extends CoordinatorError {
  readonly code = 'RUN_BUSY';
  constructor(readonly runId: string) {
    super(`run ${runId} is conducted by another coordinator: it goes on there, and this one leaves it alone`);
  }
}

/** A run needs more memory than this machine, or its container, has. */
export class MemoryCeilingError extends CoordinatorError {
  readonly code = 'MEMORY_CEILING';
  constructor(
    readonly runId: string,
    /** In a sentence. */
    readonly needs: string,
    readonly availableBytes: number,
  ) {
    super(
      `run ${runId} is refused: it takes ${needs}, and there are ${Math.floor(availableBytes / 2 ** 20)} MiB. Use smaller layers, fewer shardsPerStep (--shards), a smaller microbatchSize (--microbatch), fewer monteCarloSamples (--samples) or fewer threads (--threads)`,
    );
  }
}

/** A shard failed on every attempt: something in it, not around it, is wrong. */
export class PoisonedShardError extends CoordinatorError {
  readonly code = 'POISONED_SHARD';
  constructor(
    readonly runId: string,
    readonly shard: string,
    readonly attempts: number,
    readonly lastMessage: string,
  ) {
    super(
      `run ${runId}: ${shard} failed ${attempts} times, the last time with: ${lastMessage}. The last checkpoint is kept; mend the cause and resume`,
    );
  }
}

/** A checkpoint that cannot be gone on from. */
export class CheckpointError extends CoordinatorError {
  readonly code = 'BAD_CHECKPOINT';
  constructor(
    /** The file, or `the snapshot in Redis`. */
    readonly where: string,
    /** Damaged: torn, cut off or changed. Foreign: of another run, spec or optimiser. */
    readonly fault: 'damaged' | 'foreign' | 'version',
    readonly why: string,
  ) {
    super(`${where} cannot be gone on from: ${why}`);
  }
}

/** There are checkpoints, and none can be used: beginning anew is for a person to decide. */
export class NoUsableCheckpointError extends CoordinatorError {
  readonly code = 'NO_USABLE_CHECKPOINT';
  constructor(
    readonly runId: string,
    readonly refused: readonly CheckpointError[],
  ) {
    super(
      `run ${runId} cannot go on, because none of its checkpoints holds:\n${refused.map(({ message }) => `  ${message}`).join('\n')}\nRestore one of them from a copy, or train again from spec.yaml: the same spec gives the same bits`,
    );
  }
}

/** The data set is not the one that the run began with: going on would mix two. */
export class DatasetChangedError extends CoordinatorError {
  readonly code = 'DATASET_CHANGED';
  constructor(
    readonly runId: string,
    readonly dataset: string,
    readonly began: string,
    readonly found: string,
  ) {
    super(
      `run ${runId} began on the data set ${dataset} with the SHA-256 ${began}, and ${dataset} has ${found} now: bring the old data back, or train anew on the new`,
    );
  }
}

/** A gradient or a term of the objective is NaN or infinite, and the spec says to stop then. */
export class NonFiniteError extends CoordinatorError {
  readonly code = 'NON_FINITE';
  constructor(
    readonly runId: string,
    /** Updates done before it: the state that is saved. */
    readonly step: number,
    /** Which step, shard, examples and parameter. */
    readonly what: string,
  ) {
    super(
      `run ${runId}: ${what}. The state after ${step} ${step === 1 ? 'step' : 'steps'} is saved. Lower the learning rate (--learning-rate), set clipGlobalNorm (--clip) or look at these examples; onNonFinite: skip (--on-non-finite skip) leaves such steps out`,
    );
  }
}

/** Somebody else goes on with the run in the same folder, though not under the same lease: a person's `elbo resume`. */
export class FolderClaimedError extends CoordinatorError {
  readonly code = 'FOLDER_CLAIMED';
  constructor(
    readonly runId: string,
    readonly folder: string,
  ) {
    super(
      `run ${runId} is gone on with by another process, which claimed ${folder}: this one stops, and writes no more`,
    );
  }
}
