import type { WorkerReport } from '@elbo/protocol/cluster';

const windowMs = 10_000;

interface DoneShard {
  readonly at: number;
  readonly runId: string;
  readonly examples: number;
  /** Thread time. */
  readonly computeMs: number;
}

/** What a worker did, for people: all in all, and in the last ten seconds. */
export class WorkerTally {
  #shardsDone = 0;
  #shardsFailed = 0;
  #recent: DoneShard[] = [];
  readonly #began: number;
  /** Shards at hand, by run. */
  readonly #atHand = new Map<string, number>();

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(
    private readonly threads: number,
    private readonly now: () => number,
  ) {
    this.#began = now();
  }

  took(runId: string): void {
    this.#atHand.set(runId, (this.#atHand.get(runId) ?? 0) + 1);
  }

  /** A shard that it took is no more at hand, whatever became of it. */
  left(runId: string): void {
    const others = (this.#atHand.get(runId) ?? 0) - 1;
    if (others > 0) this.#atHand.set(runId, others);
    else this.#atHand.delete(runId);
  }

  did(runId: string, examples: number, computeMs: number): void {
    this.#shardsDone++;
    this.#recent.push({ at: this.now(), runId, examples, computeMs });
  }

  failed(): void {
    this.#shardsFailed++;
  }

  report(): Pick<WorkerReport, 'runs' | 'shardsDone' | 'shardsFailed' | 'examplesPerSecond' | 'load'> {
    const now = this.now();
    this.#recent = this.#recent.filter(({ at }) => now - at < windowMs);
    const ms = Math.max(1, Math.min(windowMs, now - this.#began));
    const sum = (of: (shard: DoneShard) => number) => this.#recent.reduce((total, shard) => total + of(shard), 0);
    return {
      runs: [...new Set([...this.#atHand.keys(), ...this.#recent.map(({ runId }) => runId)])].sort(),
      shardsDone: this.#shardsDone,
      shardsFailed: this.#shardsFailed,
      examplesPerSecond: (sum(({ examples }) => examples) / ms) * 1000,
      load: Math.min(1, sum(({ computeMs }) => computeMs) / (ms * this.threads)),
    };
  }
}
