import type { ShardJob } from '@elbo/protocol/messages';
import { shardKey } from '@elbo/transport/shard-job';
import { MembersAtWork } from './members-at-work.js';
import { ShapePaces } from './shard-pace.js';

/** A shard is overdue when it takes so many times what its like took lately, and this long at least. */
const slowFactor = 4;
const overdueFloorMs = 100;
/** A shard that nobody took for this long, while a member had nothing to do, is handed to that member. */
const untakenPatienceMs = 500;
/** A member that left may have had a job out of the queue and not said so yet: for a while there is less patience. */
const suspicion = { patienceMs: 25, lastsMs: 2000 };

interface ShardState {
  readonly job: ShardJob;
  counted: boolean;
  /** Of the last time it was given out. */
  attempt: number;
  /** Who computes it, since when. */
  readonly holders: Map<string, number>;
  /** When it last had no holder. */
  untakenSince: number;
  /** Its worker left or failed: it is for the next member that has nothing to do. */
  returned: boolean;
}

/** A shard to be handed to a member. */
export interface HandOut {
  readonly workerId: string;
  readonly job: ShardJob;
  readonly why: 'returned' | 'slow' | 'untaken';
}

/**
 * Knows who computes which shard of the open round and since when, and says which is to be handed to which idle member:
 * one whose worker is gone, at once; one that takes far longer than its like, a second time (the backup tasks of Dean &
 * Ghemawat 2004), and sooner when its holder is known to be slow (by its estimated time to the end, as in Zaharia et
 * al. 2008); one that the queue does not bring to anybody. It decides only who computes: the first contribution counts.
 */
export class ShardWatch {
  #shards: ShardState[] = [];
  #shape = '';
  #openedAt = 0;
  #lastLeft = Number.NEGATIVE_INFINITY;
  readonly #paces = new ShapePaces();
  readonly #members: MembersAtWork;

  /**
   * @param now Milliseconds of a clock that never goes back.
   * @param onHeld Told whether any member has a job in hands.
   */
  constructor(
    private readonly now: () => number,
    onHeld: (held: boolean) => void = () => {},
  ) {
    this.#members = new MembersAtWork(now, this.#paces, onHeld);
  }

  /** A round begins. `shape`: shards of equal shape take about equal time. */
  begin(jobs: readonly ShardJob[], shape: string): void {
    const now = this.now();
    this.#openedAt = now;
    this.#shape = shape;
    this.#shards = jobs.map((job) => ({
      job,
      counted: false,
      attempt: job.attempt,
      holders: new Map(),
      untakenSince: now,
      returned: false,
    }));
    const begun = this.#members.beginRound(shape, (job) => this.#shardOf(job) !== undefined);
    for (const { workerId, job } of begun) this.#computes(workerId, job);
  }

  joined(workerId: string): void {
    this.#members.joined(workerId);
  }

  /** Its shards of the open round come back. */
  left(workerId: string): void {
    this.#members.left(workerId);
    this.#lastLeft = this.now();
    for (const shard of this.#shards) if (shard.holders.delete(workerId)) this.#cameBack(shard);
  }

  taken(workerId: string, job: ShardJob): void {
    if (this.#members.take(workerId, job, this.#shardOf(job) ? this.#shape : null)) this.#computes(workerId, job);
  }

  counted(workerId: string, job: ShardJob): void {
    const ms = this.#members.finish(workerId, job);
    const shard = this.#shardOf(job);
    if (!shard) return;
    shard.counted = true;
    if (ms !== null) this.#paces.of(this.#shape).add(ms);
  }

  /**
   * A member is done with a job of which nothing was counted: it failed, was refused, or nobody needs it.
   * `queueRetries`: the queue gives it out again by itself.
   */
  released(workerId: string, job: ShardJob, queueRetries = false): void {
    this.#members.finish(workerId, job);
    const shard = this.#shardOf(job);
    if (!shard?.holders.delete(workerId)) return;
    this.#cameBack(shard);
    if (queueRetries) shard.returned = false;
  }

  get members(): number {
    return this.#members.size;
  }

  /** What to hand to whom now; from here on the member holds it. */
  handOut(): HandOut[] {
    const wanting = this.#shards.filter((shard) => !shard.counted);
    // Shards that wait in the queue keep the members busy by themselves.
    if (wanting.length > this.#members.size && !wanting.some((shard) => shard.returned)) return [];
    const idle = this.#members.idle(this.#openedAt);
    const handed: HandOut[] = [];
    for (const shard of wanting) {
      const [next] = idle;
      if (!next) break;
      const why = this.#reasonToHandOut(shard, next.idleMs);
      if (!why) continue;
      idle.shift();
      const job = { ...shard.job, attempt: shard.attempt + 1 };
      this.taken(next.workerId, job);
      handed.push({ workerId: next.workerId, job, why });
    }
    return handed;
  }

  /** What was to be handed to a member, and is not after all. */
  notHanded({ workerId, job, why }: HandOut): void {
    this.#members.drop(workerId, job);
    const shard = this.#shardOf(job);
    if (!shard) return;
    shard.holders.delete(workerId);
    shard.attempt = job.attempt - 1;
    shard.returned = why === 'returned';
  }

  /**
   * The queue has these still: their turn will come, and nobody needs to be handed them. Unless a member waits for the
   * next round with a shard of it in hands: what is queued behind that shard, a failed one, may wait for this member.
   */
  stillQueued(jobs: readonly ShardJob[]): void {
    if (this.#members.someWait) return;
    for (const job of jobs) {
      const shard = this.#shardOf(job);
      if (shard) shard.untakenSince = this.now();
    }
  }

  /** How long the round is open, milliseconds. */
  get roundMs(): number {
    return this.now() - this.#openedAt;
  }

  /** Shards of the round that nobody has been computing for so long, as they were last given out. */
  untakenFor(ms: number): ShardJob[] {
    const now = this.now();
    return this.#shards
      .filter((shard) => !shard.counted && shard.holders.size === 0 && now - shard.untakenSince >= ms)
      .map((shard) => ({ ...shard.job, attempt: shard.attempt }));
  }

  #reasonToHandOut(shard: ShardState, idleMs: number): HandOut['why'] | null {
    const now = this.now();
    if (shard.holders.size === 0) {
      if (shard.returned) return 'returned';
      const suspicious = now - this.#lastLeft < suspicion.lastsMs;
      const patienceMs = suspicious ? suspicion.patienceMs : untakenPatienceMs;
      return Math.min(idleMs, now - shard.untakenSince) < patienceMs ? null : 'untaken';
    }
    const usualMs = this.#paces.of(this.#shape).medianMs();
    if (usualMs === null) return null;
    const elapsed = now - Math.max(...shard.holders.values());
    if (elapsed >= Math.max(slowFactor * usualMs, overdueFloorMs)) return 'slow';
    const [only, ...others] = shard.holders.keys();
    if (only === undefined || others.length > 0) return null;
    const slowness = this.#members.slownessOf(only);
    return slowness >= slowFactor && slowness * usualMs - elapsed > 2 * usualMs ? 'slow' : null;
  }

  /** A member computes a shard of the round, from now on. */
  #computes(workerId: string, job: ShardJob): void {
    const shard = this.#shardOf(job);
    if (!shard) return;
    shard.holders.set(workerId, this.now());
    shard.attempt = Math.max(shard.attempt, job.attempt);
    shard.returned = false;
  }

  #cameBack(shard: ShardState): void {
    if (shard.counted || shard.holders.size > 0) return;
    shard.untakenSince = this.now();
    shard.returned = true;
  }

  #shardOf(job: ShardJob): ShardState | undefined {
    const shard = this.#shards[job.shard];
    return shard && shardKey(shard.job) === shardKey(job) ? shard : undefined;
  }
}
