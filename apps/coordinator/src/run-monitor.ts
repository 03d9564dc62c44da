import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ShardJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease, RunChannel, RunHooks } from '@elbo/transport/conductor-transport';
import type { ContributionLedger } from './contribution-ledger.js';
import { PoisonedShardError } from './errors.js';

const shardAttempts = 3;

/**
 * Watches over a run that is conducted: answers the transport's hooks, renews the lease, and gives the shards of a
 * worker that left to others at once.
 */
export class RunMonitor {
  readonly hooks: RunHooks;
  /** Rejects when the run cannot go on. */
  readonly failure: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #channel: RunChannel | null = null;
  readonly #failures = new Map<string, number>();
  readonly #renewal: NodeJS.Timeout;

  constructor(
    transport: ConductorTransport,
    private readonly lease: Lease,
    leaseMs: number,
    private readonly ledger: ContributionLedger,
    dataset: PackedDataset,
  ) {
    this.failure = new Promise<never>((_, reject) => (this.#fail = reject));
    this.failure.catch(() => {}); // it is awaited beside each round; between rounds nobody listens
    this.#renewal = setInterval(() => transport.store.renewLease(lease, leaseMs).catch(this.#fail), leaseMs / 4);
    this.hooks = {
      admit: (job) => ledger.admit(job),
      contributed: (header, buffer) => ledger.contributed(header, buffer),
      abandoned: (job, buffer) => ledger.abandoned(job, buffer),
      memberJoined: () => {},
      memberLeft: (_member, unfinished) => this.#giveOutAgain(unfinished),
      shardTaken: () => {},
      shardFailed: (_member, job, message, willRetry) => this.#shardFailed(job, message, willRetry),
      datasetBytes: (hash) => (hash === dataset.hash ? dataset.bytes : null),
    };
  }

  attach(channel: RunChannel): void {
    this.#channel = channel;
  }

  stop(): void {
    clearInterval(this.#renewal);
  }

  #giveOutAgain(jobs: readonly ShardJob[]): void {
    const wanted = jobs.filter((job) => job.lease === this.lease.token && this.#isAhead(job));
    if (wanted.length === 0) return;
    this.#channel?.dispatch(wanted.map((job) => ({ ...job, attempt: job.attempt + 1 }))).catch(this.#fail);
  }

  /** Of this round and not counted yet, or of the next step, dispatched early. */
  #isAhead(job: ShardJob): boolean {
    return this.ledger.awaits(job) || job.parameterVersion > this.ledger.parameterVersion;
  }

  #shardFailed(job: ShardJob, message: string, willRetry: boolean): void {
    if (!this.#isAhead(job)) return;
    const shard = `shard ${job.shard} of ${job.kind === 'gradient' ? `step ${job.step}` : `the ${job.split} evaluation`}`;
    const failures = (this.#failures.get(shard) ?? 0) + 1;
    this.#failures.set(shard, failures);
    if (failures >= shardAttempts) this.#fail(new PoisonedShardError(job.runId, shard, failures, message));
    else if (!willRetry) this.#giveOutAgain([job]);
  }
}
