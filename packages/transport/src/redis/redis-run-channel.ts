import type { Priority, ShardJob } from '@elbo/protocol/messages';
import type { Queue } from 'bullmq';
import type { RunChannel } from '../conductor-transport.js';
import type { DataPlaneServer } from '../data-plane/data-plane-server.js';
import type { RunEndpoint } from '../data-plane/run-endpoint.js';
import { RunClosedError } from '../errors.js';
import { shardJobKey, shardJobOwner } from '../shard-job.js';
import { namingFull } from './full-redis.js';
import { beforeAllOthers, shardJobEntry } from './queues.js';
import type { asOwnTrace } from './telemetry.js';
import { untilAnswered } from './until-answered.js';

const waitingStates: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'delayed']);

/** A run's channel over Redis (jobs) and the data plane (everything else). */
export class RedisRunChannel implements RunChannel {
  constructor(
    private readonly endpoint: RunEndpoint,
    private readonly server: DataPlaneServer,
    private readonly shards: Queue<ShardJob>,
    private readonly priority: Priority,
    private readonly ownTrace: ReturnType<typeof asOwnTrace>,
    private readonly onClosed: () => void,
  ) {}

  get address(): string {
    return this.server.address;
  }

  get members() {
    return this.endpoint.members;
  }

  get wireBytes() {
    return this.endpoint.wireBytes;
  }

  async dispatch(jobs: readonly ShardJob[]): Promise<void> {
    if (this.endpoint.closed) {
      throw new RunClosedError(this.endpoint.run.runId, this.endpoint.lease.token, 'its conductor closed it');
    }
    if (jobs.length === 0) return;
    const add = () => this.shards.addBulk(jobs.map((job) => shardJobEntry(job, this.priority)));
    await namingFull(
      'shard jobs',
      untilAnswered(() => this.ownTrace(add)),
    );
  }

  async waiting(jobs: readonly ShardJob[]): Promise<readonly ShardJob[]> {
    const states = await Promise.all(jobs.map((job) => this.shards.getJobState(shardJobKey(job))));
    return jobs.filter((_, i) => waitingStates.has(states[i] as string));
  }

  async hurry(jobs: readonly ShardJob[]): Promise<void> {
    const hurryOne = async (job: ShardJob) => {
      const entry = await this.shards.getJob(shardJobKey(job));
      await entry?.changePriority({ priority: beforeAllOthers });
    };
    // One that was taken or is gone meanwhile is in no hurry.
    await Promise.all(jobs.map((job) => hurryOne(job).catch(() => undefined)));
  }

  get refusals(): ReadonlyMap<string, number> {
    return this.endpoint.refusals.counts;
  }

  assign(workerId: string, job: ShardJob): boolean {
    return this.endpoint.assign(workerId, job);
  }

  publish(version: number, parameters: Float32Array): void {
    this.endpoint.publish(version, parameters);
  }

  async close(): Promise<void> {
    if (this.endpoint.closed) return;
    this.endpoint.close();
    this.server.remove(this.endpoint);
    this.onClosed();
    await removeShardJobs(this.shards, this.endpoint.run.runId, this.endpoint.lease.token);
  }
}

/**
 * Takes the jobs of a run out of the queue, those of this lease and of older ones; a worker may still hold some. It goes
 * by their ids alone: what is in a job may be somebody else's, and not even JSON.
 */
export async function removeShardJobs(shards: Queue<ShardJob>, runId: string, lease: number): Promise<void> {
  const ids = await shards.getRanges(['waiting', 'prioritized', 'delayed', 'active']);
  const ours = ids.filter((id) => {
    const of = shardJobOwner(id);
    return of?.runId === runId && of.lease <= lease;
  });
  // One that a live worker holds is locked and cannot be removed; its worker finds the run closed and drops it.
  await Promise.all(ours.map((id) => shards.remove(id).catch(() => undefined)));
}
