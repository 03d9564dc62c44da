import {
  type MemberHello,
  type ResolvedRun,
  type RunOrder,
  runJobSchema,
  type ShardJob,
} from '@elbo/protocol/messages';
import type { ConductorTransport, Lease, RunChannel, RunConductor, RunHooks } from '../conductor-transport.js';
import { RefusalCounter } from '../data-plane/refusal-counter.js';
import { MemberRefusedError, RunClosedError } from '../errors.js';
import { defaultLogger, failureFields, type Logger, shardFields } from '../log.js';
import { messageOf } from '../message-of.js';
import type { Allocate, RunMembership, ShardTaker, WorkerTransport } from '../worker-transport.js';
import { type EmbeddedTaker, JobQueue } from './job-queue.js';
import { EmbeddedMembership } from './membership.js';
import { MemoryRunStore } from './memory-run-store.js';
import { EmbeddedRunChannel } from './run-channel.js';
import { RunQueue } from './run-queue.js';

export interface EmbeddedTransport extends ConductorTransport {
  readonly kind: 'embedded';
  /** A worker's side. Each call stands for one worker; closing it is that worker's leaving. */
  worker(): WorkerTransport;
}

/** Coordinator and workers in one process: no server, no copy, no serialisation between them. */
export function createEmbeddedTransport(options: { logger?: Logger } = {}): EmbeddedTransport {
  const logger = options.logger ?? defaultLogger('transport');
  const runs = new RunQueue();
  const channels = new Map<string, EmbeddedRunChannel>();
  const workers = new Set<EmbeddedWorker>();
  const shards = new JobQueue((worker, job, failure) => {
    if (failure !== null) {
      const { willRetry: queueRetries, error } = failure;
      logger.warn({ ...shardFields(job), queueRetries, ...failureFields(error) }, 'a shard failed');
    }
    const channel = channels.get(job.runId);
    if (worker instanceof EmbeddedWorker && channel !== undefined) worker.settled(channel, job, failure);
  });
  const forget = (channel: EmbeddedRunChannel) => {
    const { runId } = channel.run;
    if (channels.get(runId) === channel) channels.delete(runId);
    shards.remove((job) => job.runId === runId && job.lease === channel.lease.token);
  };
  const refusals = new RefusalCounter();
  return {
    kind: 'embedded',
    refusals: refusals.counts,
    store: new MemoryRunStore(),
    submitRun: async (order: RunOrder) => runs.add(runJobSchema.parse(order)),
    conductRuns: (handler, atOnce): RunConductor => runs.conduct(handler, atOnce),
    async openRun(run: ResolvedRun, lease: Lease, hooks: RunHooks): Promise<RunChannel> {
      await channels.get(run.runId)?.close();
      const channel = new EmbeddedRunChannel(run, lease, hooks, new RefusalCounter(refusals), shards, forget);
      channels.set(run.runId, channel);
      return channel;
    },
    worker(): WorkerTransport {
      const worker = new EmbeddedWorker(shards, channels, () => workers.delete(worker));
      workers.add(worker);
      return worker;
    },
    async close(): Promise<void> {
      for (const channel of [...channels.values()]) await channel.close();
      for (const worker of [...workers]) await worker.close();
      runs.clear();
    },
  };
}

class EmbeddedWorker implements WorkerTransport {
  readonly #memberships = new Map<EmbeddedRunChannel, EmbeddedMembership>();
  readonly #takers = new Set<EmbeddedTaker>();

  constructor(
    private readonly shards: JobQueue,
    private readonly channels: ReadonlyMap<string, EmbeddedRunChannel>,
    private readonly onClose: () => void,
  ) {}

  takeShards(handler: (job: ShardJob) => Promise<void>, slots: number): ShardTaker {
    const taker = this.shards.take(this, handler, slots);
    this.#takers.add(taker);
    return taker;
  }

  async join(job: ShardJob, hello: MemberHello, newMemory: () => Allocate): Promise<RunMembership> {
    const channel = this.channels.get(job.runId);
    if (channel === undefined) throw new RunClosedError(job.runId, job.lease, 'nobody conducts it');
    if (channel.lease.token !== job.lease) {
      throw new RunClosedError(job.runId, job.lease, `lease ${channel.lease.token} conducts it now`);
    }
    let membership = this.#memberships.get(channel);
    if (membership === undefined || membership.signal.aborted) {
      const refusal = channel.hooks.refusesMember(hello);
      if (refusal !== null) throw new MemberRefusedError(job.runId, refusal);
      membership = new EmbeddedMembership(channel, hello, newMemory(), (assigned) => this.#assigned(assigned));
      channel.membershipOf(hello.workerId)?.leave();
      this.#memberships.set(channel, membership);
      membership.signal.addEventListener('abort', () => this.#memberships.delete(channel));
      channel.joined(membership);
    }
    membership.take(job);
    return membership;
  }

  settled(
    channel: EmbeddedRunChannel,
    job: ShardJob,
    failure: { readonly error: unknown; readonly willRetry: boolean } | null,
  ): void {
    const membership = this.#memberships.get(channel);
    if (!membership?.drop(job)) return;
    if (failure === null) channel.hooks.shardDropped(membership.hello, job);
    else channel.hooks.shardFailed(membership.hello, job, messageOf(failure.error), failure.willRetry);
  }

  #assigned(job: ShardJob): void {
    const [taker] = this.#takers;
    taker?.runNow(job);
  }

  /** Leaves at once, as a worker does that ends: shards that still run are reported unfinished. */
  async close(): Promise<void> {
    this.onClose();
    for (const taker of this.#takers) void taker.drain();
    for (const membership of [...this.#memberships.values()]) membership.leave();
  }
}
