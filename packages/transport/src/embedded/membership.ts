import { Readable } from 'node:stream';
import type {
  ContributionHeader,
  ContributionReply,
  MemberHello,
  ResolvedRun,
  ShardJob,
} from '@elbo/protocol/messages';
import { DatasetUnavailableError, RunClosedError, UnknownBufferError } from '../errors.js';
import { shardJobKey } from '../shard-job.js';
import type { DatasetBytes, RunMembership } from '../worker-transport.js';
import type { EmbeddedRunChannel } from './run-channel.js';

interface Loan {
  readonly job: ShardJob;
  /** Null when the coordinator lent it; else the reply that the contribution will get. */
  readonly refusal: ContributionReply | null;
}

/** A worker's membership of a run that is conducted in the same process. */
export class EmbeddedMembership implements RunMembership {
  readonly run: ResolvedRun;
  readonly #abort = new AbortController();
  readonly #loans = new Map<Float32Array, Loan>();
  /** Where a gradient goes that the coordinator refused beforehand: computed as if it were wanted, never counted. */
  readonly #scratch: Float32Array[] = [];
  readonly #taken = new Map<string, ShardJob>();

  constructor(
    private readonly channel: EmbeddedRunChannel,
    readonly hello: MemberHello,
    private readonly allocate: (length: number) => Float32Array,
    private readonly onAssigned: (job: ShardJob) => void,
  ) {
    this.run = channel.run;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  take(job: ShardJob): void {
    this.#taken.set(shardJobKey(job), job);
    this.channel.hooks.shardTaken(this.hello, job);
  }

  /** Hands over a job that did not come through the queue. */
  assign(job: ShardJob): void {
    this.#taken.set(shardJobKey(job), job);
    this.onAssigned(job);
  }

  /** The handler is done with the job. False when the job was contributed, or was not this member's. */
  drop(job: ShardJob): boolean {
    return this.#taken.delete(shardJobKey(job));
  }

  parametersFor(version: number): Promise<Float32Array> {
    return this.channel.parametersFor(version);
  }

  async contributionBuffer(job: ShardJob): Promise<Float32Array> {
    this.#assertOpen();
    const admission = this.channel.hooks.admit(job, this.hello.workerId);
    if (admission.admitted && admission.buffer !== null) {
      this.#loans.set(admission.buffer, { job, refusal: null });
      return admission.buffer;
    }
    const scratch = this.#scratch.pop() ?? this.allocate(this.channel.parameterCount);
    const refusal: ContributionReply = admission.admitted
      ? { accepted: false, reason: 'bad-length', message: 'the conductor expects no tensor for this job' }
      : { accepted: false, reason: admission.reason, message: admission.message };
    this.#loans.set(scratch, { job, refusal });
    return scratch;
  }

  async contribute(header: ContributionHeader, gradient: Float32Array | null): Promise<ContributionReply> {
    const reply = gradient === null ? this.#contributeTerms(header) : this.#contributeGradient(header, gradient);
    if (!reply.accepted) this.channel.refused.count(reply.reason);
    return reply;
  }

  #contributeGradient(header: ContributionHeader, gradient: Float32Array): ContributionReply {
    const loan = this.#takeBack(gradient);
    if (this.#abort.signal.aborted) this.#abandon(loan, gradient, 'the worker left');
    this.#assertOpen();
    this.#taken.delete(shardJobKey(header.job));
    if (loan.refusal === null) return this.channel.hooks.contributed(header, gradient);
    this.#scratch.push(gradient);
    return loan.refusal;
  }

  discard(gradient: Float32Array): void {
    const loan = this.#takeBack(gradient);
    if (loan.refusal !== null) this.#scratch.push(gradient);
    else this.#abandon(loan, gradient, 'the worker discarded it');
  }

  async fetchDataset(hash: string, from: number): Promise<DatasetBytes> {
    const bytes = this.channel.hooks.datasetBytes(hash);
    if (bytes === null) throw new DatasetUnavailableError(hash, 'the conductor has no such data set', false);
    return { totalBytes: bytes.length, chunks: Readable.from([bytes.subarray(from)]) };
  }

  /**
   * The worker leaves: the conductor hears which jobs it had not finished. A loan is returned only when the worker lets
   * go of it: until then its threads may write to that memory.
   */
  leave(): void {
    if (this.#abort.signal.aborted) return;
    this.end();
    this.channel.left(this, [...this.#taken.values()]);
  }

  end(): void {
    this.#abort.abort();
  }

  #contributeTerms(header: ContributionHeader): ContributionReply {
    this.#assertOpen();
    this.#taken.delete(shardJobKey(header.job));
    const admission = this.channel.hooks.admit(header.job, this.hello.workerId);
    if (!admission.admitted) return { accepted: false, reason: admission.reason, message: admission.message };
    return this.channel.hooks.contributed(header, admission.buffer);
  }

  #abandon({ job, refusal }: Loan, gradient: Float32Array, reason: string): void {
    if (refusal === null && !this.channel.closed) this.channel.hooks.abandoned(job, gradient, reason);
  }

  #takeBack(gradient: Float32Array): Loan {
    const loan = this.#loans.get(gradient);
    if (loan === undefined) {
      this.#assertOpen();
      throw new UnknownBufferError(this.run.runId);
    }
    this.#loans.delete(gradient);
    return loan;
  }

  #assertOpen(): void {
    if (this.#abort.signal.aborted) {
      throw new RunClosedError(this.run.runId, this.channel.lease.token, 'the membership ended');
    }
  }
}
