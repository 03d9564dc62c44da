import { prepareProcess } from '@elbo/vae-core/engines/prepare-process';
import { Piscina } from 'piscina';
import type { ThreadResult, ThreadTask } from './messages.js';

/** Runs the microbatches of a worker. */
export interface ComputePool {
  run(task: ThreadTask): Promise<ThreadResult>;
  close(): Promise<void>;
}

/** The Piscina pool of a worker: each thread computes one microbatch at a time, on one core. */
export class ThreadPool implements ComputePool {
  readonly #piscina: Piscina<ThreadTask, ThreadResult>;

  constructor(readonly threads: number) {
    prepareProcess();
    this.#piscina = new Piscina<ThreadTask, ThreadResult>({
      filename: new URL('./run-task.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // A thread that waits in its event loop starts a task sooner than one that sleeps in Atomics.wait (measured).
      atomics: 'disabled',
    });
  }

  run(task: ThreadTask): Promise<ThreadResult> {
    return this.#piscina.run(task);
  }

  /** Lets running tasks end, then ends the threads. */
  close(): Promise<void> {
    return this.#piscina.close();
  }
}
