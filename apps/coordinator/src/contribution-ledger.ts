import type {
  ContributionHeader,
  ContributionReply,
  NonFinite,
  RefusalReason,
  ShardJob,
  TermSums,
} from '@elbo/protocol/messages';
import type { Admission } from '@elbo/transport/conductor-transport';
import { describeRound, describeShard } from './shard-words.js';

/** One shard's part of a round, counted exactly once. */
export interface Contribution {
  readonly terms: TermSums;
  /** Where the shard is not finite; its terms are zeros then, and its gradient means nothing. */
  readonly nonFinite: NonFinite | null;
  readonly computeMs: number;
  /** The sum of gradients of the shard's examples; null in an evaluation. */
  readonly gradient: Float32Array | null;
}

interface Round {
  readonly jobs: readonly ShardJob[];
  readonly contributions: (Contribution | undefined)[];
  /** Uploads on their way, by shard. */
  readonly uploads: number[];
  missing: number;
  readonly complete: () => void;
  readonly completed: Promise<void>;
}

/**
 * Counts the contributions of one round (a step, or an evaluation) at a time: the first for each shard is kept, every
 * other is refused with its reason. Gradients arrive in kept buffers, so that memory is bounded: one for each shard
 * of a step and `spareBuffers` for shards that are computed twice.
 */
export class ContributionLedger {
  readonly refusals = new Map<RefusalReason, number>();
  /** Told of every round that is opened. */
  onOpen: (jobs: readonly ShardJob[]) => void = () => {};
  readonly #free: Float32Array[];
  #round: Round | null = null;
  #parameterVersion = -1;

  constructor(
    private readonly lease: number,
    buffers: readonly Float32Array[],
  ) {
    this.#free = [...buffers];
  }

  /** Opens the round of these jobs, one for each shard in shard order. Contributions to any other are refused. */
  open(jobs: readonly ShardJob[]): void {
    let complete = () => {};
    const completed = new Promise<void>((resolve) => (complete = resolve));
    const uploads = jobs.map(() => 0);
    this.#parameterVersion = jobs[0]?.parameterVersion ?? this.#parameterVersion;
    this.#round = {
      jobs,
      contributions: jobs.map(() => undefined),
      uploads,
      missing: jobs.length,
      complete,
      completed,
    };
    this.onOpen(jobs);
  }

  /** Resolves with the round's contributions in shard order, whatever order they came in. */
  async collect(): Promise<readonly Contribution[]> {
    const round = this.#round;
    if (!round) throw new Error('no round is open');
    await round.completed;
    return round.contributions as Contribution[];
  }

  /** Ends the round and takes its buffers back. */
  close(): void {
    for (const contribution of this.#round?.contributions ?? []) {
      if (contribution?.gradient) this.#free.push(contribution.gradient);
    }
    this.#round = null;
  }

  admit(job: ShardJob): Admission {
    const refusal = this.#refusalOf(job);
    if (refusal) return this.#refuse(...refusal);
    const round = this.#round as Round;
    if (job.kind === 'evaluation') return { admitted: true, buffer: null };
    const unbegun = round.jobs.filter((_, i) => !round.contributions[i] && !round.uploads[i]).length;
    if (round.uploads[job.shard] && this.#free.length <= unbegun) {
      return this.#refuse('duplicate', `shard ${job.shard} is on its way from another worker`);
    }
    if (this.#free.length === 0) {
      return this.#refuse('no-buffer', 'every buffer is lent to workers that are late with steps that are over');
    }
    round.uploads[job.shard] = (round.uploads[job.shard] as number) + 1;
    return { admitted: true, buffer: this.#free.pop() as Float32Array };
  }

  contributed(
    { job, terms, nonFinite, computeMs }: ContributionHeader,
    gradient: Float32Array | null,
  ): ContributionReply {
    const refusal = this.#refusalOf(job);
    if (refusal) {
      if (gradient) this.#free.push(gradient);
      const { reason, message } = this.#refuse(...refusal);
      return { accepted: false, reason, message };
    }
    const round = this.#round as Round;
    round.contributions[job.shard] = { terms, nonFinite: nonFinite ?? null, computeMs, gradient };
    round.missing--;
    if (round.missing === 0) round.complete();
    return { accepted: true };
  }

  abandoned(job: ShardJob, gradient: Float32Array | null): void {
    if (gradient) this.#free.push(gradient);
    const round = this.#round;
    if (round && sameRound(round, job) && round.uploads[job.shard]) {
      round.uploads[job.shard] = (round.uploads[job.shard] as number) - 1;
    }
  }

  /** The parameter version of the open round; -1 before the first. */
  get parameterVersion(): number {
    return this.#parameterVersion;
  }

  /** Whether the round still waits for this job's shard. */
  awaits(job: ShardJob): boolean {
    return this.#refusalOf(job) === null;
  }

  #refusalOf(job: ShardJob): [RefusalReason, string] | null {
    if (job.lease !== this.lease) {
      return [
        'deposed-lease',
        `lease ${job.lease} does not conduct run ${job.runId} any more: lease ${this.lease} does`,
      ];
    }
    const round = this.#round;
    if (!round || !sameRound(round, job)) return ['wrong-step', `the run is not at ${describeRound(job)}`];
    if (job.shard >= round.jobs.length)
      return ['unknown-shard', `${describeRound(job)} has ${round.jobs.length} shards`];
    if (round.contributions[job.shard]) return ['duplicate', `${describeShard(job)} is counted already`];
    return null;
  }

  #refuse(reason: RefusalReason, message: string) {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    return { admitted: false as const, reason, message };
  }
}

function sameRound(round: Round, job: ShardJob): boolean {
  const [first] = round.jobs;
  if (!first || first.parameterVersion !== job.parameterVersion) return false;
  if (first.kind === 'gradient') return job.kind === 'gradient' && job.step === first.step;
  return job.kind === 'evaluation' && job.epoch === first.epoch && job.split === first.split;
}
