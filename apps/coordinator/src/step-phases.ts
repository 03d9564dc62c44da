import type { StepEvent } from '@elbo/protocol/events';
import type { ContributionHeader } from '@elbo/protocol/messages';

export type Phases = NonNullable<StepEvent['phases']>;

interface WorkerShare {
  /** Of all its threads, milliseconds. */
  threadMs: number;
  /** The longest of its shards, were it alone. */
  longestShardMs: number;
  readonly threads: number;
}

/**
 * Where the time of a step goes. Compute: the threads of the worker that computed longest. Reduce: averaging and
 * update. Wait: nobody had a shard in hands. Transport: all the rest, the way of parameters, jobs and gradients.
 */
export class StepPhases {
  readonly #workers = new Map<string, WorkerShare>();
  #computeMs = 0;
  #reduceMs = 0;
  #waitMs = 0;
  /** When the last shard in anybody's hands was given up; null while there is one, or while the step is reduced. */
  #idleSince: number | null = null;
  #inHands = false;
  #reducing = false;

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(private readonly now: () => number) {}

  /** A step begins: what was before is none of its time. */
  begin(): void {
    this.#workers.clear();
    this.#restart();
  }

  /** Whether any worker has a shard in hands from now on. */
  inHands(inHands: boolean): void {
    if (inHands === this.#inHands) return;
    this.#inHands = inHands;
    this.#idle(!inHands && !this.#reducing);
  }

  /** A contribution was counted. @param threads of its worker, @param microbatchSize that its shard was cut by */
  counted({ workerId, computeMs, terms }: ContributionHeader, threads: number, microbatchSize: number): void {
    const atOnce = Math.min(threads, Math.ceil(terms.sampleCount / microbatchSize));
    const share = this.#workers.get(workerId) ?? { threadMs: 0, longestShardMs: 0, threads };
    share.threadMs += computeMs;
    share.longestShardMs = Math.max(share.longestShardMs, computeMs / Math.max(1, atOnce));
    this.#workers.set(workerId, share);
  }

  /** Runs the reduction of the step. What is counted from here on belongs to the next. */
  async reducing<T>(reduce: () => Promise<T>): Promise<T> {
    const began = this.now();
    for (const { threadMs, threads, longestShardMs } of this.#workers.values()) {
      this.#computeMs = Math.max(this.#computeMs, threadMs / threads, longestShardMs);
    }
    this.#workers.clear();
    this.#reducing = true;
    this.#idle(false);
    try {
      return await reduce();
    } finally {
      this.#reducing = false;
      this.#idle(!this.#inHands);
      this.#reduceMs += this.now() - began;
    }
  }

  /** The phases of a step that took so long, milliseconds; the next one begins. */
  end(stepMs: number): Phases {
    this.#idle(this.#idleSince !== null);
    const reduceMs = Math.min(this.#reduceMs, stepMs);
    const waitMs = Math.min(this.#waitMs, stepMs - reduceMs);
    const computeMs = Math.min(this.#computeMs, stepMs - reduceMs - waitMs);
    this.#restart();
    return { computeMs, transportMs: stepMs - reduceMs - waitMs - computeMs, reduceMs, waitMs };
  }

  #restart(): void {
    this.#computeMs = 0;
    this.#reduceMs = 0;
    this.#waitMs = 0;
    this.#idleSince = this.#inHands || this.#reducing ? null : this.now();
  }

  #idle(idle: boolean): void {
    const now = this.now();
    if (this.#idleSince !== null) this.#waitMs += now - this.#idleSince;
    this.#idleSince = idle ? now : null;
  }
}
