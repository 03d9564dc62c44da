import { availableParallelism, hostname } from 'node:os';
import type { WorkerReport } from '@elbo/protocol/cluster';
import type { ContributionHeader, MemberHello, ShardJob } from '@elbo/protocol/messages';
import { MemberRefusedError, RunClosedError, StaleVersionError } from '@elbo/transport/errors';
import { type Logger, shardFields } from '@elbo/transport/log';
import type { RunMembership, ShardTaker, WorkerTransport } from '@elbo/transport/worker-transport';
import { computeEvaluationShard, computeGradientShard, type ShardResult } from './compute-shard.js';
import { type RunContext, RunContexts, type WorkerSurroundings } from './run-contexts.js';
import { type ComputePool, ThreadPool } from './threads/thread-pool.js';
import { thisBuild, type WorkerBuild } from './worker-build.js';
import { WorkerTally } from './worker-tally.js';

export interface WorkerOptions {
  readonly workerId: string;
  readonly threads?: number;
  readonly log: Logger;
  readonly surroundings: WorkerSurroundings;
  /** Where microbatches run: threads of its own when left out. */
  readonly pool?: ComputePool;
  /** What it is: read from the machine and its libraries when left out. */
  readonly build?: WorkerBuild;
  /** A run refused this worker: it takes no more shards. */
  readonly onRefused?: (error: MemberRefusedError) => void;
}

/** A worker process's service: takes shards, runs them on its threads, returns contributions. */
export class Worker {
  readonly #pool: ComputePool;
  readonly #contexts: RunContexts;
  readonly #hello: MemberHello;
  readonly #taker: ShardTaker;
  readonly #tally: WorkerTally;
  readonly #startedAt = Date.now();

  constructor(
    private readonly transport: WorkerTransport,
    private readonly options: WorkerOptions,
  ) {
    const threads = options.threads ?? availableParallelism();
    this.#pool = options.pool ?? new ThreadPool(threads);
    this.#contexts = new RunContexts(threads, options.surroundings);
    this.#tally = new WorkerTally(threads, () => performance.now());
    const build = options.build ?? thisBuild();
    this.#hello = { workerId: options.workerId, ...build, threads, host: hostname(), pid: process.pid };
    this.#taker = transport.takeShards((job) => this.#work(job), 1);
  }

  /** What it does, and how it is. */
  report(): WorkerReport {
    const residentBytes = process.memoryUsage.rss();
    const times = { startedAt: this.#startedAt, lastSeenAt: Date.now() };
    return { ...this.#hello, ...times, ...this.#tally.report(), residentBytes };
  }

  /** Takes no more shards, finishes those it has, and ends its threads. */
  async close(): Promise<void> {
    await this.#taker.drain();
    await this.transport.close();
    await this.#pool.close();
  }

  /** The way of one shard. */
  async #work(job: ShardJob): Promise<void> {
    this.#tally.took(job.runId);
    try {
      const membership = await this.transport.join(job, this.#hello, () => this.#contexts.memoryFor(job));
      const context = await this.#contexts.of(job, membership);
      this.#taker.setSlots(this.#contexts.slots);
      const parameters = await membership.parametersFor(job.parameterVersion);
      const { terms, computeMs } = await context.buffers.take(async () => {
        const compute = () => this.#compute(job, membership, context, parameters);
        const { result, gradient } = await context.turns.take(compute);
        await this.#contribute(membership, { job, workerId: this.options.workerId, ...result }, gradient);
        return result;
      });
      this.#tally.did(job.runId, terms.sampleCount, computeMs);
    } catch (error) {
      // The run went on or ended without this shard: nothing is lost, and nobody waits for it.
      if (error instanceof StaleVersionError || error instanceof RunClosedError) {
        this.options.log.debug({ ...shardFields(job), reason: error.code }, 'shard dropped');
        return;
      }
      // The transport says so.
      this.#tally.failed();
      if (error instanceof MemberRefusedError) this.#refused(error);
      throw error;
    } finally {
      this.#tally.left(job.runId);
    }
  }

  async #compute(
    job: ShardJob,
    membership: RunMembership,
    context: RunContext,
    parameters: Float32Array,
  ): Promise<{ readonly result: ShardResult; readonly gradient: Float32Array | null }> {
    if (job.kind === 'evaluation') {
      return { result: await computeEvaluationShard(this.#pool, context, job, parameters), gradient: null };
    }
    const gradient = await membership.contributionBuffer(job);
    try {
      return { result: await computeGradientShard(this.#pool, context, job, parameters, gradient), gradient };
    } catch (error) {
      membership.discard(gradient);
      throw error;
    }
  }

  /** The shard goes back to the queue, for a worker that is wanted. */
  #refused(error: MemberRefusedError): void {
    void this.#taker.drain();
    this.options.onRefused?.(error);
  }

  async #contribute(
    membership: RunMembership,
    header: ContributionHeader,
    gradient: Float32Array | null,
  ): Promise<void> {
    const reply = await membership.contribute(header, gradient);
    if (!reply.accepted)
      this.options.log.info({ ...shardFields(header.job), reason: reply.reason }, 'contribution refused');
  }
}
