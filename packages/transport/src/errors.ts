import type { RunState } from '@elbo/protocol/cluster';
import type { RefusalReason, ShardJob } from '@elbo/protocol/messages';
import type { Wanted } from './run-directory.js';

/** Every error that transport raises on purpose: a code to switch on, and fields that say what it happened to. */
export abstract class TransportError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A fenced write was refused: another coordinator holds the run, or the lease ran out. */
export class LeaseLostError extends TransportError {
  readonly code = 'LEASE_LOST';
  constructor(
    readonly runId: string,
    readonly token: number,
    readonly holder: number | null,
  ) {
    super(
      `the lease ${token} of run ${runId} is lost (${holder === null ? 'it expired' : `lease ${holder} holds the run now`}): stop conducting the run; nothing was written`,
    );
  }
}

/** A conductor gives a run back that is not over: the queue gives it out again, to anyone, a moment later. */
export class RunUnfinishedError extends TransportError {
  readonly code = 'RUN_UNFINISHED';
  constructor(
    readonly runId: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`run ${runId} is not over: ${why}`, options);
  }
}

/** The cluster has no run of that id. */
export class UnknownRunError extends TransportError {
  readonly code = 'UNKNOWN_RUN';
  constructor(readonly runId: string) {
    super(`the cluster knows no run ${runId}: it was never submitted here, or it was over a week ago`);
  }
}

/** A run that is over was asked to go on, to pause or to end. */
export class RunOverError extends TransportError {
  readonly code = 'RUN_OVER';
  constructor(
    readonly runId: string,
    readonly state: RunState,
    readonly wanted: Wanted,
  ) {
    const verb = { run: 'resume', pause: 'pause', cancel: 'cancel' }[wanted];
    super(`run ${runId} is ${state}: there is nothing left to ${verb}`);
  }
}

/** A run was submitted under an id that another one has. */
export class RunExistsError extends TransportError {
  readonly code = 'RUN_EXISTS';
  constructor(readonly runId: string) {
    super(`the cluster has a run ${runId} already: submit the new one under another id`);
  }
}

/** So many runs are not over that one more would not fit. */
export class DirectoryFullError extends TransportError {
  readonly code = 'DIRECTORY_FULL';
  constructor(readonly unfinished: number) {
    super(`${unfinished} runs wait, run or are paused, and that is as many as a cluster keeps: cancel some, or wait`);
  }
}

/** Parameters were asked for at a version that the conductor has left behind. */
export class StaleVersionError extends TransportError {
  readonly code = 'STALE_VERSION';
  constructor(
    readonly runId: string,
    readonly wanted: number,
    readonly current: number,
  ) {
    super(`run ${runId} is at parameter version ${current}, past ${wanted}: the shard is no longer needed, drop it`);
  }
}

/** The run is over, or this conductor no longer conducts it under that lease. */
export class RunClosedError extends TransportError {
  readonly code = 'RUN_CLOSED';
  constructor(
    readonly runId: string,
    readonly lease: number,
    why: string,
  ) {
    super(`run ${runId} is closed for lease ${lease} (${why}): drop the job`);
  }
}

/** The conductor does not want this worker in the run: its results could differ from the others'. */
export class MemberRefusedError extends TransportError {
  readonly code = 'MEMBER_REFUSED';
  constructor(
    readonly runId: string,
    readonly why: string,
  ) {
    super(`run ${runId} refuses this worker: ${why}`);
  }
}

/** Whether an error says that a shard job is no longer needed by anybody. */
export function saysNotNeeded(error: unknown): boolean {
  return error instanceof RunClosedError || error instanceof StaleVersionError;
}

/** Nothing answers, or something else does, where a job says that its conductor listens. */
export class ConductorUnreachableError extends TransportError {
  readonly code = 'CONDUCTOR_UNREACHABLE';
  constructor(
    readonly conductor: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(
      `cannot work for the conductor at ${conductor}: ${why}; check that this machine reaches that address and that both sides have the same token`,
      options,
    );
  }
}

/** Another process has the address where workers are to reach this one, or it is none of this machine's. */
export class CannotListenError extends TransportError {
  readonly code = 'CANNOT_LISTEN';
  constructor(address: string, options: { readonly cause: NodeJS.ErrnoException }) {
    super(`workers cannot be served on ${address} (${options.cause.code}): listen on another address`, options);
  }
}

/** A gradient buffer was used after it was given back, or never came from `contributionBuffer`. */
export class UnknownBufferError extends TransportError {
  readonly code = 'UNKNOWN_BUFFER';
  constructor(readonly runId: string) {
    super(`run ${runId}: this gradient buffer is not on loan; take one with contributionBuffer and give it back once`);
  }
}

/** A shard is needed, and the conductor could not use what was sent for it. */
export class ContributionFailedError extends TransportError {
  readonly code = 'CONTRIBUTION_FAILED';
  constructor(
    readonly job: ShardJob,
    readonly reason: RefusalReason,
    message: string,
  ) {
    super(
      `the conductor of run ${job.runId} could not use the contribution for shard ${job.shard} (${reason}): ${message}`,
    );
  }
}

/** A snapshot in the store does not have the checksum it was written with. */
export class SnapshotCorruptError extends TransportError {
  readonly code = 'SNAPSHOT_CORRUPT';
  constructor(
    readonly runId: string,
    why: string,
  ) {
    super(`the snapshot of run ${runId} is corrupt: ${why}; resume from the run folder's checkpoint instead`);
  }
}

/** A data set could not be fetched from the conductor. */
export class DatasetUnavailableError extends TransportError {
  readonly code = 'DATASET_UNAVAILABLE';
  constructor(
    readonly hash: string,
    why: string,
    /** Whether asking again may help: the connection broke, nothing was refused. */
    readonly temporary: boolean,
  ) {
    super(`the data set ${hash.slice(0, 12)} could not be fetched from the conductor: ${why}`);
  }
}

/** Bytes on the data plane that are not a frame of ours. */
export class FrameError extends TransportError {
  readonly code = 'BAD_FRAME';
}

/** No Redis to work with. */
export class RedisUnavailableError extends TransportError {
  readonly code = 'REDIS_UNAVAILABLE';
}

/** Redis has reached its maxmemory and refuses writes. */
export class RedisFullError extends TransportError {
  readonly code = 'REDIS_FULL';
  constructor(
    /** What was to be written. */
    readonly what: string,
    options?: ErrorOptions,
  ) {
    super(`Redis is full (maxmemory) and refused ${what}: raise its maxmemory or free memory`, options);
  }
}

/** A snapshot is longer than Redis lets a string be. */
export class SnapshotTooLongError extends TransportError {
  readonly code = 'SNAPSHOT_TOO_LONG';
  constructor(
    readonly runId: string,
    readonly bytes: number,
    options?: ErrorOptions,
  ) {
    super(
      `Redis takes no snapshot of run ${runId}: it has ${bytes} bytes, and Redis lets a string have as many as its proto-max-bulk-len says (512 MiB): raise that (redis-cli config set proto-max-bulk-len)`,
      options,
    );
  }
}

/** Redis would throw keys away when it is full. */
export class RedisEvictsError extends TransportError {
  readonly code = 'REDIS_EVICTS';
  constructor(readonly policy: string) {
    super(
      `this Redis evicts keys when it is full (maxmemory-policy ${policy}): jobs and leases could vanish. Set it to noeviction (redis-cli config set maxmemory-policy noeviction), or use another Redis`,
    );
  }
}
