import { prepareProcess } from '@elbo/vae-core/engines/prepare-process';
import { Piscina } from 'piscina';
import { type ThreadResult, type ThreadSettings, type ThreadTask, unknownRun } from './messages.js';

/** Runs the microbatches of a worker. */
export interface ComputePool {
  run(task: ThreadTask): Promise<ThreadResult>;
  close(): Promise<void>;
}

/** The Piscina pool of a worker: each thread computes one microbatch at a time, on one core. */
export class ThreadPool implements ComputePool {
  readonly #piscina: Piscina<ThreadTask, ThreadResult | typeof unknownRun>;

  constructor(
    readonly threads: number,
    settings: ThreadSettings = { lookoutMs: 0 },
  ) {
    prepareProcess();
    this.#piscina = new Piscina({
      filename: new URL('./run-task.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      workerData: settings,
      // A thread that waits in its event loop starts a task sooner than one that sleeps in Atomics.wait (measured).
      atomics: 'disabled',
    });
  }

  /** A run is described to each thread once: copying the description costs more than all the rest of a task. */
  async run(task: ThreadTask): Promise<ThreadResult> {
    const { threadRun } = task;
    const key = typeof threadRun === 'string' ? threadRun : threadRun.key;
    const result = await this.#piscina.run({ ...task, threadRun: key });
    return result === unknownRun ? ((await this.#piscina.run(task)) as ThreadResult) : result;
  }

  /** Lets running tasks end, then ends the threads. */
  close(): Promise<void> {
    return this.#piscina.close();
  }
}
