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
