import type { ShardJob } from '@elbo/protocol/messages';
import { saysNotNeeded } from '../errors.js';
import { shardAttempts, shardJobKey } from '../shard-job.js';
import type { ShardTaker } from '../worker-transport.js';

interface Entry {
  readonly job: ShardJob;
  failures: number;
}

export interface EmbeddedTaker extends ShardTaker {
  /** Gives the handler a job that is not in the queue, beyond its slots. It is not given out again when it fails. */
  runNow(job: ShardJob): void;
}

/** Told when a handler is done with a job; `failure` is null unless it failed. */
type SettledListener = (
  worker: object,
  job: ShardJob,
  failure: { readonly error: unknown; readonly willRetry: boolean } | null,
) => void;

/** A queue of shard jobs for takers in the same process. First in, first out; the least busy taker is served first. */
export class JobQueue {
  #waiting: Entry[] = [];
  #takers: Taker[] = [];
  #pumpDue = false;

  constructor(private readonly onSettled: SettledListener) {}

  add(jobs: readonly ShardJob[]): void {
    const waiting = new Set(this.#waiting.map(({ job }) => shardJobKey(job)));
    for (const job of jobs) if (!waiting.has(shardJobKey(job))) this.#waiting.push({ job, failures: 0 });
    this.#schedulePump();
  }

  has(job: ShardJob): boolean {
    return this.#waiting.some((entry) => shardJobKey(entry.job) === shardJobKey(job));
  }

  remove(matches: (job: ShardJob) => boolean): void {
    this.#waiting = this.#waiting.filter((entry) => !matches(entry.job));
  }

  /** `worker` names the taker when a job is settled. */
  take(worker: object, handler: (job: ShardJob) => Promise<void>, slots: number): EmbeddedTaker {
    const taker = new Taker(worker, handler, slots, () => this.#schedulePump());
    this.#takers.push(taker);
    this.#schedulePump();
    return {
      setSlots: (next) => {
        taker.slots = next;
        this.#schedulePump();
      },
      runNow: (job) => queueMicrotask(() => this.#start(taker, { job, failures: shardAttempts - 1 })),
      drain: () => {
        this.#takers = this.#takers.filter((other) => other !== taker);
        return taker.drained();
      },
    };
  }

  /** Handlers start in a microtask, never inside the caller's `dispatch`. */
  #schedulePump(): void {
    if (this.#pumpDue) return;
    this.#pumpDue = true;
    queueMicrotask(() => {
      this.#pumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      let idlest: Taker | undefined;
      for (const taker of this.#takers) {
        if (taker.running < taker.slots && (idlest === undefined || taker.running < idlest.running)) idlest = taker;
      }
      if (idlest === undefined) return;
      this.#start(idlest, this.#waiting.shift() as Entry);
    }
  }

  #start(taker: Taker, entry: Entry): void {
    taker.run(entry.job).then(
      () => this.onSettled(taker.worker, entry.job, null),
      (error: unknown) => this.#failed(taker, entry, error),
    );
  }

  #failed(taker: Taker, entry: Entry, error: unknown): void {
    if (saysNotNeeded(error)) {
      this.onSettled(taker.worker, entry.job, null);
      return;
    }
    entry.failures++;
    const willRetry = entry.failures < shardAttempts;
    if (willRetry) {
      this.#waiting.push(entry);
      this.#schedulePump();
    }
    this.onSettled(taker.worker, entry.job, { error, willRetry });
  }
}

class Taker {
  running = 0;
  readonly #whenIdle: (() => void)[] = [];

  constructor(
    readonly worker: object,
    private readonly handler: (job: ShardJob) => Promise<void>,
    public slots: number,
    private readonly freed: () => void,
  ) {}

  async run(job: ShardJob): Promise<void> {
    this.running++;
    try {
      await this.handler(job);
    } finally {
      this.running--;
      if (this.running === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
      this.freed();
    }
  }

  drained(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}
