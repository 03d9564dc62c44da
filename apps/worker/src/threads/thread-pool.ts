import { Piscina } from 'piscina';
import type { ThreadResult, ThreadTask } from './messages.js';

/** The Piscina pool of a worker: each thread computes one microbatch at a time, on one core. */
export class ThreadPool {
  readonly #piscina: Piscina<ThreadTask, ThreadResult>;

  constructor(readonly threads: number) {
    this.#piscina = new Piscina<ThreadTask, ThreadResult>({
      filename: new URL('./run-task.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
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
