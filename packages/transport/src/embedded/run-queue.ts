import type { RunJob } from '@elbo/protocol/messages';
import type { RunConductor } from '../conductor-transport.js';
import { RunUnfinishedError } from '../errors.js';

const giveBackMs = 250;

/** Runs waiting to be conducted in this process, first in, first out. */
export class RunQueue {
  readonly #waiting: RunJob[] = [];
  readonly #wake = new Set<() => void>();

  add(job: RunJob): void {
    this.#waiting.push(job);
    for (const wake of this.#wake) wake();
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  conduct(handler: (job: RunJob) => Promise<void>, atOnce = 1): RunConductor {
    let draining = false;
    const running = new Set<Promise<void>>();
    const next = () => {
      if (draining || running.size >= atOnce) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const current = handler(job)
        .catch((error: unknown) => {
          if (error instanceof RunUnfinishedError) setTimeout(() => this.add(job), giveBackMs).unref();
        })
        .finally(() => {
          running.delete(current);
          next();
        });
      running.add(current);
      next();
    };
    const wake = () => queueMicrotask(next);
    this.#wake.add(wake);
    wake();
    return {
      drain: async () => {
        draining = true;
        this.#wake.delete(wake);
        await Promise.all(running);
      },
    };
  }
}
