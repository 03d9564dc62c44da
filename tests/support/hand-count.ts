import type { ShardJob } from '@elbo/protocol/messages';
import type { RunChannel, RunHooks } from '@elbo/transport/conductor-transport';
import { shardJobKey } from '@elbo/transport/shard-job';

/**
 * Counts the shards that are in the hands of workers, by what the transport tells and is told. A copy of a job that the
 * queue kept for a dead worker may come to another when its step is long over; it is dropped without work and is none.
 */
export class HandCount {
  readonly #held = new Map<string, Set<string>>();
  #version = 0;

  constructor(private readonly onCount: (count: number) => void) {}

  hooks(hooks: RunHooks): RunHooks {
    return {
      ...hooks,
      admit: (job, workerId) => {
        const admission = hooks.admit(job, workerId);
        if (!admission.admitted) this.#off(workerId, job);
        return admission;
      },
      contributed: (header, buffer) => {
        this.#off(header.workerId, header.job);
        return hooks.contributed(header, buffer);
      },
      memberJoined: (member) => {
        this.#held.set(member.workerId, new Set());
        hooks.memberJoined(member);
      },
      memberLeft: (member, unfinished) => {
        this.#held.delete(member.workerId);
        hooks.memberLeft(member, unfinished);
      },
      shardTaken: (member, job) => {
        this.#on(member.workerId, job);
        hooks.shardTaken(member, job);
      },
      shardDropped: (member, job) => {
        this.#off(member.workerId, job);
        hooks.shardDropped(member, job);
      },
      shardFailed: (member, job, message, willRetry) => {
        this.#off(member.workerId, job);
        hooks.shardFailed(member, job, message, willRetry);
      },
    };
  }

  channel(channel: RunChannel): RunChannel {
    return new Proxy(channel, {
      get: (target, name) => {
        if (name === 'assign') {
          return (workerId: string, job: ShardJob) => {
            const assigned = target.assign(workerId, job);
            if (assigned) this.#on(workerId, job);
            return assigned;
          };
        }
        if (name === 'publish') {
          return (version: number, parameters: Float32Array) => {
            this.#version = version;
            target.publish(version, parameters);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  #on(workerId: string, job: ShardJob): void {
    if (job.parameterVersion < this.#version) return;
    this.#held.get(workerId)?.add(shardJobKey(job));
    this.onCount([...this.#held.values()].reduce((sum, keys) => sum + keys.size, 0));
  }

  #off(workerId: string, job: ShardJob): void {
    this.#held.get(workerId)?.delete(shardJobKey(job));
  }
}
