import type { ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import type { RunMembership } from '@elbo/transport/worker-transport';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createModel } from '@elbo/vae-core/models/model';
import { workerBuffers } from '@elbo/vae-core/steps/kept-buffers';
import { ScratchBuffers } from './scratch-buffers.js';
import type { ThreadRun } from './threads/messages.js';

/** What a worker keeps for one run, under one conductor, while it is a member of it. */
export interface RunContext {
  readonly run: ResolvedRun;
  readonly threadRun: ThreadRun;
  readonly kernels: Kernels;
  readonly scratch: ScratchBuffers;
  /** Shards of this run that the worker computes at the same time. */
  readonly slots: number;
}

/** What the worker's surroundings give it: packed data sets, and memory where the coordinator's tensors lie too. */
export interface WorkerSurroundings {
  /** The packed data set with this content hash, on shared memory. */
  openDataset(hash: string, membership: RunMembership): Promise<SharedArrayBuffer>;
  /** Embedded: the coordinator's own arena, so that gradients are written where they are reduced. */
  sharedArena?(runId: string): TensorArena;
}

/** The contexts of the runs that this worker works for; the oldest is dropped when there are more than four. */
export class RunContexts {
  readonly #arenas = new Map<string, TensorArena>();
  readonly #contexts = new Map<string, Promise<RunContext>>();

  constructor(
    private readonly threads: number,
    private readonly surroundings: WorkerSurroundings,
  ) {}

  /** Allocates the kept buffers of a membership in memory that the threads share. */
  allocatorFor(job: ShardJob): (length: number) => Float32Array {
    return (length) => this.#arenaOf(job, length).allocate(length);
  }

  of(job: ShardJob, membership: RunMembership): Promise<RunContext> {
    const key = keyOf(job);
    let context = this.#contexts.get(key);
    if (!context) {
      context = this.#create(job, membership);
      this.#contexts.set(key, context);
      membership.signal.addEventListener('abort', () => this.#forget(key), { once: true });
      context.catch(() => this.#forget(key));
    }
    return context;
  }

  async #create(job: ShardJob, membership: RunMembership): Promise<RunContext> {
    const { run } = membership;
    const { length } = createModel(run.spec.model, run.dataDim).layout;
    const arena = this.#arenaOf(job, length);
    const shardSize = Math.ceil(run.spec.training.globalBatchSize / run.shardsPerStep);
    const microbatches = Math.ceil(shardSize / run.microbatchSize);
    const slots = Math.max(1, Math.floor(this.threads / microbatches));
    return {
      run,
      threadRun: { key: keyOf(job), run, dataset: await this.surroundings.openDataset(run.datasetHash, membership) },
      kernels: Kernels.create(arena),
      scratch: new ScratchBuffers(Math.ceil(this.threads / slots) + 1, () => arena.allocate(length)),
      slots,
    };
  }

  #arenaOf(job: ShardJob, parameterCount: number): TensorArena {
    const shared = this.surroundings.sharedArena?.(job.runId);
    if (shared) return shared;
    const key = keyOf(job);
    let arena = this.#arenas.get(key);
    if (!arena) {
      arena = new TensorArena(workerBuffers(this.threads) * parameterCount * Float32Array.BYTES_PER_ELEMENT);
      this.#arenas.set(key, arena);
    }
    return arena;
  }

  #forget(key: string): void {
    this.#contexts.delete(key);
    this.#arenas.delete(key);
  }
}

function keyOf(job: ShardJob): string {
  return `${job.runId}:${job.lease}`;
}
