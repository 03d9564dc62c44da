import type { RunState } from '@elbo/coordinator/run-state';
import type { CoordinatorSurroundings } from '@elbo/coordinator/surroundings';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import { createEmbeddedTransport, type EmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import type { RunMembership, WorkerTransport } from '@elbo/transport/worker-transport';
import { workerBuffers } from '@elbo/vae-core/steps/kept-buffers';
import type { ThreadResult, ThreadTask } from '@elbo/worker/threads/messages';
import runTask from '@elbo/worker/threads/run-task';
import type { ComputePool } from '@elbo/worker/threads/thread-pool';
import { Worker } from '@elbo/worker/worker';
import type { WorkerBuild } from '@elbo/worker/worker-build';
import { pino } from 'pino';

const log = pino({ level: 'silent' });
/** Room in the run's memory for so many workers, those that left included. */
const maxWorkers = 16;

export interface Manners {
  /** Waits so long before each contribution, milliseconds, in turn. */
  readonly delaysMs?: readonly number[];
  /** Contributes each shard a second time. */
  readonly duplicates?: boolean;
  /** Throws while it computes a microbatch that this is true of. */
  readonly failsOn?: (task: ThreadTask) => boolean;
  /** What it says of itself when it joins. */
  readonly build?: WorkerBuild;
  /** Leaves without a word when it has so many shards in hand or done: in the middle of the last. */
  readonly leavesAfter?: number;
}

/** This thread as a pool: like any thread, it computes one microbatch at a time. */
let last: Promise<unknown> = Promise.resolve();
const oneThread: ComputePool = {
  run(task) {
    // Tasks carry the whole run here, so that it is never unknown.
    const result = last.then(() => runTask(task) as Promise<ThreadResult>);
    last = result.catch(() => {});
    return result;
  },
  close: async () => {},
};

function failing(failsOn: (task: ThreadTask) => boolean): ComputePool {
  return {
    ...oneThread,
    run: (task) => (failsOn(task) ? Promise.reject(new Error('the engine is broken')) : oneThread.run(task)),
  };
}

/** A conductor and workers of one process, whose microbatches run right here: cheap enough to make by the dozen. */
export class EmbeddedTestCluster {
  readonly transport: EmbeddedTransport = createEmbeddedTransport({ logger: log });
  #shared: { state: RunState; dataset: PackedDataset } | null = null;
  readonly #workers: Worker[] = [];

  get surroundings(): Partial<CoordinatorSurroundings> {
    return {
      guestBuffers: maxWorkers * workerBuffers(1),
      onState: (_run, state, dataset) => {
        this.#shared = { state, dataset };
      },
    };
  }

  /** Adds a worker of one slot. */
  join(workerId: string, manners: Manners = {}): void {
    const shared = () => {
      if (!this.#shared) throw new Error('no run is conducted yet');
      return this.#shared;
    };
    const worker = new Worker(misbehaving(this.transport.worker(), manners), {
      workerId,
      threads: 1,
      log,
      pool: manners.failsOn ? failing(manners.failsOn) : oneThread,
      ...(manners.build ? { build: manners.build } : {}),
      surroundings: {
        openDataset: async () => shared().dataset.buffer,
        sharedRun: () => ({ arena: shared().state.arena, update: shared().state.optimizer.shared }),
      },
    });
    this.#workers.push(worker);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.transport.close();
  }
}

function misbehaving(transport: WorkerTransport, manners: Manners): WorkerTransport {
  let taken = 0;
  let contributed = 0;
  const delay = () => {
    const ms = manners.delaysMs?.[contributed++ % manners.delaysMs.length] ?? 0;
    return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
  };
  const contribute = async (
    membership: RunMembership,
    ...[header, gradient]: Parameters<RunMembership['contribute']>
  ) => {
    await delay();
    // One that has left is lent no second buffer, and gives the first back by contributing it.
    if (!manners.duplicates || gradient === null || membership.signal.aborted) {
      return membership.contribute(header, gradient);
    }
    const again = await membership.contributionBuffer(header.job);
    again.set(gradient);
    const [reply] = await Promise.all([
      membership.contribute(header, gradient),
      membership.contribute(header, again).catch(() => {}),
    ]);
    return reply;
  };
  return {
    takeShards: (handler, slots) => transport.takeShards(handler, slots),
    close: () => transport.close(),
    async join(job, hello, newMemory) {
      const membership = await transport.join(job, hello, newMemory);
      // Gone between taking the shard and contributing it.
      if (++taken === manners.leavesAfter) setTimeout(() => void transport.close(), 1);
      return new Proxy(membership, {
        get(target, name) {
          if (name === 'contribute') return contribute.bind(null, target);
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
