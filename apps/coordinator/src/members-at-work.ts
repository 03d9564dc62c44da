import type { ShardJob } from '@elbo/protocol/messages';
import { shardJobKey } from '@elbo/transport/shard-job';
import { MemberPace, type ShapePaces } from './shard-pace.js';

interface TakenJob {
  readonly job: ShardJob;
  /** Shape of the round it is computed for; null while it waits for the parameters of a later one. */
  shape: string | null;
  since: number;
}

interface Member {
  /** What it took and is not done with, of any round, by shardJobKey. */
  readonly jobs: Map<string, TakenJob>;
  idleSince: number;
  readonly pace: MemberPace;
}

/** What members have in hands, since when, and how fast each is. */
export class MembersAtWork {
  readonly #members = new Map<string, Member>();
  /** Jobs in the hands of members. */
  #held = 0;

  /**
   * @param now Milliseconds of a clock that never goes back.
   * @param onHeld Told whether any member has a job in hands.
   */
  constructor(
    private readonly now: () => number,
    private readonly paces: ShapePaces,
    private readonly onHeld: (held: boolean) => void,
  ) {}

  get size(): number {
    return this.#members.size;
  }

  joined(workerId: string): void {
    this.#members.set(workerId, { jobs: new Map(), idleSince: this.now(), pace: new MemberPace() });
  }

  left(workerId: string): void {
    this.#hold(-(this.#members.get(workerId)?.jobs.size ?? 0));
    this.#members.delete(workerId);
  }

  /**
   * @param shape Null for a job of a later round.
   * @returns false when there is no such member, or it has the job already
   */
  take(workerId: string, job: ShardJob, shape: string | null): boolean {
    const member = this.#members.get(workerId);
    const key = shardJobKey(job);
    if (!member || member.jobs.has(key)) return false;
    member.jobs.set(key, { job, shape, since: this.now() });
    this.#hold(1);
    return true;
  }

  /** A round begins: the jobs of it that were taken early and waited for its parameters, whose time begins now. */
  beginRound(shape: string, isOfRound: (job: ShardJob) => boolean): { workerId: string; job: ShardJob }[] {
    const begun: { workerId: string; job: ShardJob }[] = [];
    for (const [workerId, { jobs }] of this.#members) {
      for (const taken of jobs.values()) {
        if (taken.shape !== null || !isOfRound(taken.job)) continue;
        taken.shape = shape;
        taken.since = this.now();
        begun.push({ workerId, job: taken.job });
      }
    }
    return begun;
  }

  /** The member is done with a job. @returns how long it took, milliseconds; null when that says nothing */
  finish(workerId: string, job: ShardJob): number | null {
    const member = this.#members.get(workerId);
    const taken = member?.jobs.get(shardJobKey(job));
    if (!member || !taken) return null;
    this.drop(workerId, job);
    member.idleSince = this.now();
    if (taken.shape === null) return null;
    const ms = this.now() - taken.since;
    const usualMs = this.paces.of(taken.shape).medianMs();
    if (usualMs !== null) member.pace.add(ms / usualMs);
    return ms;
  }

  /** The member does not have the job after all. */
  drop(workerId: string, job: ShardJob): void {
    if (this.#members.get(workerId)?.jobs.delete(shardJobKey(job))) this.#hold(-1);
  }

  slownessOf(workerId: string): number {
    return this.#members.get(workerId)?.pace.slowness ?? 1;
  }

  /** Members that compute nothing, the fastest first. @param openedAt Of the round: before it nobody counts as idle. */
  idle(openedAt: number): { workerId: string; idleMs: number; slowness: number }[] {
    const now = this.now();
    return [...this.#members]
      .filter(([, { jobs }]) => computesNothing(jobs))
      .map(([workerId, { idleSince, pace }]) => {
        return { workerId, idleMs: now - Math.max(idleSince, openedAt), slowness: pace.slowness };
      })
      .sort((a, b) => a.slowness - b.slowness || b.idleMs - a.idleMs);
  }

  /** Whether a member waits for a later round with a job of it in hands. */
  get someWait(): boolean {
    return [...this.#members.values()].some(({ jobs }) => jobs.size > 0 && computesNothing(jobs));
  }

  #hold(change: number): void {
    this.#held += change;
    this.onHeld(this.#held > 0);
  }
}

/** All that a member has in hands is of a later round. */
function computesNothing(jobs: Member['jobs']): boolean {
  return [...jobs.values()].every(({ shape }) => shape === null);
}
