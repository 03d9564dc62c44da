import type { RunJob } from '@elbo/protocol/messages';
import type { RunConductor } from '../conductor-transport.js';
import { RunUnfinishedError } from '../errors.js';
import type { Logger } from '../log.js';

const giveBackMs = 250;

/** Runs waiting to be conducted in this process, one at a time for each conductor. */
export class RunQueue {
  readonly #waiting: RunJob[] = [];
  readonly #wake = new Set<() => void>();

  constructor(private readonly logger: Logger) {}

  add(job: RunJob): void {
    this.#waiting.push(job);
    for (const wake of this.#wake) wake();
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  conduct(handler: (job: RunJob) => Promise<void>): RunConductor {
    let draining = false;
    let current: Promise<void> | null = null;
    const next = () => {
      if (draining || current !== null) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      current = handler(job)
        .catch((error: unknown) => {
          if (error instanceof RunUnfinishedError) setTimeout(() => this.add(job), giveBackMs).unref();
          else this.logger.error({ runId: job.runId, err: error }, 'run failed');
        })
        .finally(() => {
          current = null;
          next();
        });
    };
    const wake = () => queueMicrotask(next);
    this.#wake.add(wake);
    wake();
    return {
      drain: async () => {
        draining = true;
        this.#wake.delete(wake);
        await current;
      },
    };
  }
}
