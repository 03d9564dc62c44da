import type { ShardJob } from '@elbo/protocol/messages';
import type { RunChannel, RunHooks } from '@elbo/transport/conductor-transport';
import { shardJobKey, shardKey } from '@elbo/transport/shard-job';
import { ChannelAround } from './channel-around.js';

/**
 * Keeps the shards of a run that workers hold at the same time below a limit: no more of its jobs than that are in the
 * queue and in hands together, and none before its parameters are published, so that those in hands are never waiting
 * for one that is held back.
 */
export class ShardLimit {
  /** Not yet in the queue. */
  #held: ShardJob[] = [];
  /** In the queue, as far as is known, by shard: which of its attempts the queue still has, it alone knows. */
  readonly #queued = new Map<string, ShardJob>();
  /** What members took or were handed, by worker. */
  readonly #inHands = new Map<string, Set<string>>();
  #version = -1;
  #channel: RunChannel | null = null;

  /** @param onError A job could not be put into the queue. */
  constructor(
    private readonly limit: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Listens to what becomes of shards. */
  hooks(hooks: RunHooks): RunHooks {
    return {
      ...hooks,
      admit: (job, workerId) => {
        const admission = hooks.admit(job, workerId);
        if (!admission.admitted) this.#released(workerId, job);
        return admission;
      },
      contributed: (header, buffer) => {
        const reply = hooks.contributed(header, buffer);
        // A copy that the queue still has is refused when it comes.
        this.#queued.delete(shardKey(header.job));
        this.#released(header.workerId, header.job);
        return reply;
      },
      memberJoined: (member) => {
        this.#inHands.set(member.workerId, new Set());
        hooks.memberJoined(member);
      },
      memberLeft: (member, unfinished) => {
        this.#inHands.delete(member.workerId);
        hooks.memberLeft(member, unfinished);
        this.#fill();
      },
      shardTaken: (member, job) => {
        this.#queued.delete(shardKey(job));
        this.#inHands.get(member.workerId)?.add(shardJobKey(job));
        hooks.shardTaken(member, job);
      },
      shardDropped: (member, job) => {
        hooks.shardDropped(member, job);
        this.#released(member.workerId, job);
      },
      shardFailed: (member, job, message, willRetry) => {
        if (willRetry) this.#queued.set(shardKey(job), job);
        hooks.shardFailed(member, job, message, willRetry);
        this.#released(member.workerId, job);
      },
    };
  }

  around(channel: RunChannel): RunChannel {
    this.#channel = channel;
    return new LimitedChannel(channel, this);
  }

  async dispatch(jobs: readonly ShardJob[]): Promise<void> {
    const again: ShardJob[] = [];
    for (const job of jobs) {
      // The queue may have lost it.
      if (this.#queued.has(shardKey(job))) again.push(job);
      else if (!this.isHeld(job)) this.#held.push(job);
    }
    await this.#channel?.dispatch([...again, ...this.#takeFromHeld()]);
  }

  isHeld(job: ShardJob): boolean {
    return this.#held.some((held) => shardKey(held) === shardKey(job));
  }

  /** Whether one more is in hands now. */
  hand(workerId: string, job: ShardJob, assign: () => boolean): boolean {
    if (this.#free <= 0 || !assign()) return false;
    this.#inHands.get(workerId)?.add(shardJobKey(job));
    return true;
  }

  published(version: number): void {
    this.#version = version;
    this.#held = this.#held.filter((job) => job.parameterVersion >= version);
    for (const [key, job] of this.#queued) if (job.parameterVersion < version) this.#queued.delete(key);
    this.#fill();
  }

  get #free(): number {
    let inHands = 0;
    for (const keys of this.#inHands.values()) inHands += keys.size;
    return this.limit - inHands - this.#queued.size;
  }

  #released(workerId: string, job: ShardJob): void {
    this.#inHands.get(workerId)?.delete(shardJobKey(job));
    this.#fill();
  }

  #fill(): void {
    const jobs = this.#takeFromHeld();
    if (jobs.length > 0) this.#channel?.dispatch(jobs).catch(this.onError);
  }

  #takeFromHeld(): ShardJob[] {
    const ready = this.#held.filter((job) => job.parameterVersion <= this.#version).slice(0, Math.max(0, this.#free));
    this.#held = this.#held.filter((job) => !ready.includes(job));
    for (const job of ready) this.#queued.set(shardKey(job), job);
    return ready;
  }
}

class LimitedChannel extends ChannelAround {
  constructor(
    channel: RunChannel,
    private readonly limit: ShardLimit,
  ) {
    super(channel);
  }

  override dispatch(jobs: readonly ShardJob[]): Promise<void> {
    return this.limit.dispatch(jobs);
  }

  /** Those that are held back wait, too. */
  override async waiting(jobs: readonly ShardJob[]): Promise<readonly ShardJob[]> {
    const held = jobs.filter((job) => this.limit.isHeld(job));
    const others = jobs.filter((job) => !held.includes(job));
    return others.length === 0 ? held : [...held, ...(await this.channel.waiting(others))];
  }

  override assign(workerId: string, job: ShardJob): boolean {
    return this.limit.hand(workerId, job, () => this.channel.assign(workerId, job));
  }

  override publish(version: number, parameters: Float32Array): void {
    this.channel.publish(version, parameters);
    this.limit.published(version);
  }
}
