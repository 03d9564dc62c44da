import type {
  ContributionHeader,
  ContributionReply,
  MemberHello,
  Priority,
  RefusalReason,
  ResolvedRun,
  RunJob,
  RunOrder,
  ShardJob,
} from '@elbo/protocol/messages';

/** What a coordinator needs of a transport: runs to conduct, a channel for each, and durable state. */
export interface ConductorTransport {
  readonly kind: 'embedded' | 'redis';
  submitRun(order: RunOrder): Promise<void>;
  /**
   * Takes run jobs, at most `atOnce` at a time (1 when left out), and gives each to the handler. A handler that
   * resolves ends the run, and one that rejects leaves it failed: it has told whom it concerns. RunUnfinishedError gives
   * it back to the queue, and a process that dies leaves it to the next coordinator.
   */
  conductRuns(handler: (job: RunJob) => Promise<void>, atOnce?: number): RunConductor;
  /** Opens the channel of a run that this process holds the lease of. `priority`: whose shards workers take first. */
  openRun(run: ResolvedRun, lease: Lease, hooks: RunHooks, priority?: Priority): Promise<RunChannel>;
  readonly store: RunStore;
  /** What it refused so far, by reason, over all runs; contributions that the coordinator's hooks refused among them. */
  readonly refusals: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export interface RunConductor {
  /** Takes no more runs, and resolves when those that are running have settled. */
  drain(): Promise<void>;
}

/** The coordinator's half of a run's channel. */
export interface RunChannel {
  /** http://host:port, or empty when embedded; goes into every job of the run as `conductor`. */
  readonly address: string;
  /** Puts shard jobs into the queue; one that is in the queue already stays there once. */
  dispatch(jobs: readonly ShardJob[]): Promise<void>;
  /** Which of these jobs wait in the queue, or are kept from it on purpose: their turn will come. */
  waiting(jobs: readonly ShardJob[]): Promise<readonly ShardJob[]>;
  /** Lets jobs that wait in the queue go before all others, whatever their priority: they have waited long enough. */
  hurry(jobs: readonly ShardJob[]): Promise<void>;
  /**
   * Hands a job to a member without going through the queue, beyond its slots. The member holds it from here on, as if
   * it had taken it: it contributes, fails with `willRetry` false, or leaves with it unfinished. False when it is not to
   * have it: there is no such member, or the run's workers hold as many as they may.
   */
  assign(workerId: string, job: ShardJob): boolean;
  /**
   * Gives version `version` to every member, now and when one joins later, until the next is published. The array is
   * the coordinator's: it may be updated in place once the contributions computed at this version are in.
   */
  publish(version: number, parameters: Float32Array): void;
  readonly members: ReadonlyMap<string, MemberHello>;
  /** Bytes that its memberships have sent and received over the network so far; none between processes of one memory. */
  readonly wireBytes: WireBytes;
  /** What was refused of this run so far, by reason; contributions that the hooks refused among them. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Ends the memberships and removes the run's remaining jobs. No hook is called from here on. */
  close(): Promise<void>;
}

export interface WireBytes {
  readonly sent: number;
  readonly received: number;
}

export type Admission =
  | {
      readonly admitted: true /** Where the tensor goes; null for a contribution without one. */;
      readonly buffer: Float32Array | null;
    }
  | { readonly admitted: false; readonly reason: RefusalReason; readonly message: string };

/** How the transport asks and tells the coordinator. All are synchronous, and none may throw. */
export interface RunHooks {
  /**
   * A contribution for the job is about to be computed into (embedded) or to arrive in (Redis) memory of the
   * coordinator: lend it a buffer or refuse it. Every loan ends in `contributed` or `abandoned`.
   */
  admit(job: ShardJob, workerId: string): Admission;
  /** The contribution arrived whole and its checksum is right. */
  contributed(header: ContributionHeader, buffer: Float32Array | null): ContributionReply;
  /** It will not come: the member discarded it or left, it did not arrive whole, or its checksum is wrong. */
  abandoned(job: ShardJob, buffer: Float32Array | null, reason: string): void;
  /** Why a worker may not join; null when it may. Asked first. */
  refusesMember(member: MemberHello): string | null;
  memberJoined(member: MemberHello): void;
  /** With the jobs it had taken and not contributed. */
  memberLeft(member: MemberHello, unfinished: readonly ShardJob[]): void;
  /** A member told that it took a job. */
  shardTaken(member: MemberHello, job: ShardJob): void;
  /** A member is done with a job that it took and contributes nothing for it: it found that nobody needs it. */
  shardDropped(member: MemberHello, job: ShardJob): void;
  /**
   * A member's handler rejected. `willRetry`: the queue gives the job out again by itself; false after its last
   * attempt: nobody will compute it unless it is dispatched anew.
   */
  shardFailed(member: MemberHello, job: ShardJob, message: string, willRetry: boolean): void;
  /** The bytes of the run's packed data set, for members that lack it. */
  datasetBytes(hash: string): Uint8Array | null;
}

/** The right to conduct a run. `token` rises with every new holder: the fence. */
export interface Lease {
  readonly runId: string;
  readonly token: number;
  readonly owner: string;
}

export interface RunSnapshot {
  /** Updates done. */
  readonly step: number;
  /** What is needed beside tensors to go on, as JSON. */
  readonly meta: string;
  /** Parameters and optimiser state, one behind the other. */
  readonly tensors: Uint8Array;
}

/** Durable state, fenced by the lease. In Redis each write is one Lua script that refuses a lease that was lost. */
export interface RunStore {
  /** Null when another owner holds it. `ttlMs`: how long it lasts without `renewLease`. */
  acquireLease(runId: string, owner: string, ttlMs: number): Promise<Lease | null>;
  /** A lease that ran out is renewed too as long as nobody else has taken the run. @throws LeaseLostError */
  renewLease(lease: Lease, ttlMs: number): Promise<void>;
  releaseLease(lease: Lease): Promise<void>;
  /** Replaces the snapshot of the run. @throws LeaseLostError */
  saveSnapshot(lease: Lease, snapshot: RunSnapshot): Promise<void>;
  loadSnapshot(runId: string): Promise<RunSnapshot | null>;
  /** Removes the tensors of a run that is over. @throws LeaseLostError */
  deleteSnapshot(lease: Lease): Promise<void>;
  /** Lets the tensors of a run that failed go away by themselves after so long, unless it goes on. @throws LeaseLostError */
  expireSnapshot(lease: Lease, ttlMs: number): Promise<void>;
  /** The run's record: small JSON that stays when the run is over. @throws LeaseLostError */
  saveRecord(lease: Lease, record: string): Promise<void>;
  loadRecord(runId: string): Promise<string | null>;
}
