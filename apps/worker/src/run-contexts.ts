import type { ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import { RunClosedError } from '@elbo/transport/errors';
import type { Allocate, RunMembership } from '@elbo/transport/worker-transport';
import { collectGarbage } from '@elbo/vae-core/kernels/collect-garbage';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createModel } from '@elbo/vae-core/models/model';
import type { SharedUpdateRefs } from '@elbo/vae-core/optimizers/shared-update';
import { workerBuffers } from '@elbo/vae-core/steps/kept-buffers';
import { ScratchBuffers } from './scratch-buffers.js';
import type { ThreadRun } from './threads/messages.js';
import { Turns } from './turns.js';

/** What a worker keeps for one run, under one conductor, while it is a member of it. */
export interface RunContext {
  readonly run: ResolvedRun;
  readonly threadRun: ThreadRun;
  readonly kernels: Kernels;
  readonly scratch: ScratchBuffers;
  /** Shards of this run that the worker computes at the same time. */
  readonly slots: number;
  /** Of its shards for the threads: the kept buffers are enough for its slots, and for one that was handed over. */
  readonly turns: Turns;
  /** Of its shards for a kept buffer, from computing to the conductor's answer: one more is on its way. */
  readonly buffers: Turns;
}

/** What the worker's surroundings give it: packed data sets, and memory where the coordinator's tensors lie too. */
export interface WorkerSurroundings {
  /** The packed data set with this content hash, on shared memory. */
  openDataset(hash: string, membership: RunMembership): Promise<SharedArrayBuffer>;
  /**
   * Embedded: the coordinator's own arena, so that gradients are written where they are reduced; and its optimiser,
   * which threads help when they have nothing to do.
   */
  sharedRun?(runId: string): { readonly arena: TensorArena; readonly update: SharedUpdateRefs };
}

/** Of this process: threads tell contexts of one run and lease apart by it, for each has memory of its own. */
let created = 0;

/** The contexts of the runs that this worker works for. */
export class RunContexts {
  readonly #arenas = new Map<string, TensorArena>();
  readonly #contexts = new Map<string, Promise<RunContext>>();
  /** Those of them that are ready. */
  readonly #ready = new Map<string, RunContext>();
  /** It stays when no run works on it. */
  #newest: { readonly hash: string; readonly dataset: SharedArrayBuffer } | null = null;

  constructor(
    private readonly threads: number,
    private readonly surroundings: WorkerSurroundings,
  ) {}

  /** Shards that the worker takes at the same time: as many as keep its threads busy, whichever run they are of. */
  get slots(): number {
    return Math.max(1, ...[...this.#ready.values()].map(({ slots }) => slots));
  }

  /**
   * Allocates the kept buffers of a new membership in memory that the threads share. One before it, whose connection was
   * lost, has kept its own: nothing of it is used again.
   */
  memoryFor(job: ShardJob): Allocate {
    this.#forget(keyOf(job));
    return (length) => this.#arenaOf(job, length).allocate(length);
  }

  /**
   * One that cannot be made is made anew for the next shard, in the memory that the membership has.
   * @throws RunClosedError when the membership has ended: a context of it would stay, for its end takes it away
   */
  async of(job: ShardJob, membership: RunMembership): Promise<RunContext> {
    if (membership.signal.aborted) throw new RunClosedError(job.runId, job.lease, 'the membership ended');
    const key = keyOf(job);
    let context = this.#contexts.get(key);
    if (!context) {
      context = this.#create(job, membership);
      this.#contexts.set(key, context);
      membership.signal.addEventListener('abort', () => this.#forget(key), { once: true });
      context.then(
        (ready) => {
          if (!membership.signal.aborted) this.#ready.set(key, ready);
        },
        () => {
          if (this.#contexts.get(key) === context) this.#contexts.delete(key);
        },
      );
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
      threadRun: {
        key: `${keyOf(job)}:${++created}`,
        run,
        dataset: await this.#dataset(membership),
        memory: arena.memory,
        update: this.surroundings.sharedRun?.(job.runId).update ?? null,
      },
      kernels: Kernels.create(arena),
      scratch: new ScratchBuffers(Math.ceil(this.threads / slots) + 1, () => arena.allocate(length)),
      slots,
      turns: new Turns(slots + 1),
      buffers: new Turns(slots + 2),
    };
  }

  /** Runs on the same data share it, and so does a run with itself when another conductor takes it over. */
  async #dataset(membership: RunMembership): Promise<SharedArrayBuffer> {
    const { datasetHash: hash } = membership.run;
    const other = [...this.#ready.values()].find(({ run }) => run.datasetHash === hash);
    if (this.#newest?.hash !== hash) {
      this.#newest = null; // not one more than there are runs
      const dataset = other?.threadRun.dataset ?? (await this.surroundings.openDataset(hash, membership));
      this.#newest = { hash, dataset };
    }
    return this.#newest.dataset;
  }

  #arenaOf(job: ShardJob, parameterCount: number): TensorArena {
    const shared = this.surroundings.sharedRun?.(job.runId);
    if (shared) return shared.arena;
    const key = keyOf(job);
    let arena = this.#arenas.get(key);
    if (!arena) {
      collectGarbage(); // of the runs before it
      arena = new TensorArena(workerBuffers(this.threads) * parameterCount * Float32Array.BYTES_PER_ELEMENT);
      this.#arenas.set(key, arena);
    }
    return arena;
  }

  #forget(key: string): void {
    this.#contexts.delete(key);
    this.#ready.delete(key);
    this.#arenas.delete(key);
  }
}

function keyOf(job: ShardJob): string {
  return `${job.runId}:${job.lease}`;
}
