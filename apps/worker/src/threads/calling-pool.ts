import { prepareProcess } from '@elbo/vae-core/engines/prepare-process';
import { Lookout } from './lookout.js';
import type { ThreadResult, ThreadTask } from './messages.js';
import runTask from './run-task.js';
import { type ComputePool, ThreadPool } from './thread-pool.js';

/** So long the threads and the caller look out for each other when they have nothing to do, milliseconds. */
const lookoutMs = 1;

interface WaitingTask {
  readonly task: ThreadTask;
  readonly resolve: (result: ThreadResult | Promise<ThreadResult>) => void;
}

/**
 * A pool in which the calling thread computes too, as OpenMP's main thread does: for a process that has nothing else to
 * do in the meantime. There are as many runnable threads as it was given, and never one more that has to be woken, and
 * to find a core, before the others can go on.
 */
export class CallingPool implements ComputePool {
  readonly #threads: ThreadPool | null;
  readonly #waiting: WaitingTask[] = [];
  readonly #lookout = new Lookout(lookoutMs);
  #idleThreads: number;
  #callerIsIdle = true;

  /** @param threads The calling one included. */
  constructor(readonly threads: number) {
    prepareProcess();
    this.#idleThreads = threads - 1;
    this.#threads = threads > 1 ? new ThreadPool(threads - 1, { lookoutMs }) : null;
  }

  run(task: ThreadTask): Promise<ThreadResult> {
    return new Promise((resolve) => {
      this.#waiting.push({ task, resolve });
      this.#start();
    });
  }

  /** Lets running tasks end, then ends the threads. */
  async close(): Promise<void> {
    await this.#threads?.close();
  }

  /** The caller comes last: it hears and says nothing while it computes. */
  #start(): void {
    while (this.#idleThreads > 0 && this.#waiting.length > 0) this.#startInThread(this.#waiting.shift() as WaitingTask);
    if (!this.#callerIsIdle || this.#waiting.length === 0) return;
    this.#callerIsIdle = false;
    queueMicrotask(() => this.#startHere());
  }

  #startInThread({ task, resolve }: WaitingTask): void {
    this.#idleThreads--;
    const result = (this.#threads as ThreadPool).run(task);
    resolve(result);
    const ended = () => {
      this.#idleThreads++;
      if (this.#idleThreads === this.threads - 1) this.#lookout.end();
      this.#start();
    };
    result.then(ended, ended);
  }

  #startHere(): void {
    const next = this.#waiting.shift();
    if (!next) {
      this.#callerIsIdle = true;
      return;
    }
    // The whole task: the run that it carries is known here.
    const result = runTask(next.task) as Promise<ThreadResult>;
    next.resolve(result);
    const ended = () => {
      this.#callerIsIdle = true;
      if (this.#idleThreads < this.threads - 1) this.#lookout.begin();
      this.#start();
    };
    result.then(ended, ended);
  }
}
