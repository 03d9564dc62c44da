import type {
  ContributionHeader,
  ContributionReply,
  MemberHello,
  ResolvedRun,
  ShardJob,
} from '@elbo/protocol/messages';

/** What a worker process needs of a transport: shards to take, and for each run a membership to work through. */
export interface WorkerTransport {
  /**
   * Takes shard jobs, at most `slots` at a time, and gives each to the handler. A handler that rejects gives its
   * job back for another attempt, unless it does so with RunClosedError or StaleVersionError: nobody needs that job
   * any more. A handler that only waits for the reply to its contribution takes up no slot.
   */
  takeShards(handler: (job: ShardJob) => Promise<void>, slots: number): ShardTaker;
  /**
   * Joins the run of a job at its conductor, or returns the membership that is open for the same (run, lease), and
   * tells the conductor that the job was taken: call it once for each job, first.
   * `newMemory` is called once for each membership that is opened, and makes its kept buffers (the worker wants them in
   * memory that its threads share).
   * @throws RunClosedError when the run is over or conducted under another lease: drop the job.
   * @throws ConductorUnreachableError when nobody answers there: reject, so that the job is given back.
   */
  join(job: ShardJob, hello: MemberHello, newMemory: () => Allocate): Promise<RunMembership>;
  close(): Promise<void>;
}

/** Makes a kept buffer of so many elements. */
export type Allocate = (length: number) => Float32Array;

export interface ShardTaker {
  /** How many shards may run at once from now on. */
  setSlots(slots: number): void;
  /** Takes no more, and resolves when those running are done. */
  drain(): Promise<void>;
}

export interface RunMembership {
  readonly run: ResolvedRun;
  /** Aborted when the conductor is gone, deposed, or done with the run. */
  readonly signal: AbortSignal;
  /**
   * The parameters of a version, waiting for it when it is not published yet. The array is a kept buffer: it holds
   * this version until the conductor publishes two later ones.
   * @throws StaleVersionError when the conductor has moved on; RunClosedError when the membership ended.
   */
  parametersFor(version: number): Promise<Float32Array>;
  /**
   * A kept buffer to write the shard's gradient to, as long as the parameters. Given back by `contribute` or
   * `discard`, exactly once. Embedded, it is the coordinator's own memory.
   */
  contributionBuffer(job: ShardJob): Promise<Float32Array>;
  /**
   * Sends a contribution (for a gradient job, with the gradient in a buffer of `contributionBuffer`). A refusal in the
   * reply says that the shard is not needed from this worker (any more): a duplicate, a late or a deposed one.
   * @throws ContributionFailedError when it is needed and arrived unusable, again after a second try: reject, so that
   * the job is given out again. RunClosedError when the membership ended.
   */
  contribute(header: ContributionHeader, gradient: Float32Array | null): Promise<ContributionReply>;
  discard(gradient: Float32Array): void;
  /**
   * The packed data set with this content hash, from a byte on: a fetch that was cut goes on where it stopped.
   * `datasets` puts it together, verifies it and keeps it on disk.
   * @throws DatasetUnavailableError, here or while the chunks come
   */
  fetchDataset(hash: string, from: number): Promise<DatasetBytes>;
}

/** The bytes of a data set from the wanted one to its end. */
export interface DatasetBytes {
  /** Of the whole data set. */
  readonly totalBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}
