import type { MemberHello, ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import type { Lease, RunChannel, RunHooks } from '../conductor-transport.js';
import type { RefusalCounter } from '../data-plane/refusal-counter.js';
import { RunClosedError, StaleVersionError } from '../errors.js';
import { VersionWaiters } from '../version-waiters.js';
import type { JobQueue } from './job-queue.js';
import type { EmbeddedMembership } from './membership.js';

/** A run's channel within one process: memberships are objects, and parameters are the coordinator's own array. */
export class EmbeddedRunChannel implements RunChannel {
  readonly address = '';
  readonly members = new Map<string, MemberHello>();
  readonly wireBytes = { sent: 0, received: 0 };
  closed = false;
  readonly #memberships = new Map<string, EmbeddedMembership>();
  #version = -1;
  #parameters: Float32Array | null = null;
  readonly #waiters: VersionWaiters;

  constructor(
    readonly run: ResolvedRun,
    readonly lease: Lease,
    readonly hooks: RunHooks,
    readonly refused: RefusalCounter,
    private readonly shards: JobQueue,
    private readonly onClose: (channel: EmbeddedRunChannel) => void,
  ) {
    this.#waiters = new VersionWaiters(run.runId);
  }

  async dispatch(jobs: readonly ShardJob[]): Promise<void> {
    if (this.closed) throw this.#over();
    this.shards.add(jobs);
  }

  async waiting(jobs: readonly ShardJob[]): Promise<readonly ShardJob[]> {
    return jobs.filter((job) => this.shards.has(job));
  }

  /** First in, first out: each run that shares the queue has its turn soon. */
  async hurry(): Promise<void> {}

  get refusals(): ReadonlyMap<string, number> {
    return this.refused.counts;
  }

  assign(workerId: string, job: ShardJob): boolean {
    const membership = this.closed ? undefined : this.#memberships.get(workerId);
    membership?.assign(job);
    return membership !== undefined;
  }

  publish(version: number, parameters: Float32Array): void {
    this.#version = version;
    this.#parameters = parameters;
    this.#waiters.arrived(version, parameters);
  }

  parametersFor(version: number): Promise<Float32Array> {
    if (this.closed) return Promise.reject(this.#over());
    if (version === this.#version && this.#parameters !== null) return Promise.resolve(this.#parameters);
    if (version < this.#version) return Promise.reject(new StaleVersionError(this.run.runId, version, this.#version));
    return this.#waiters.wait(version);
  }

  get parameterCount(): number {
    return this.#parameters?.length ?? 0;
  }

  membershipOf(workerId: string): EmbeddedMembership | undefined {
    return this.#memberships.get(workerId);
  }

  joined(membership: EmbeddedMembership): void {
    const { workerId } = membership.hello;
    this.#memberships.set(workerId, membership);
    this.members.set(workerId, membership.hello);
    this.hooks.memberJoined(membership.hello);
  }

  left(membership: EmbeddedMembership, unfinished: readonly ShardJob[]): void {
    const { workerId } = membership.hello;
    if (this.closed || this.#memberships.get(workerId) !== membership) return;
    this.#memberships.delete(workerId);
    this.members.delete(workerId);
    this.hooks.memberLeft(membership.hello, unfinished);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.onClose(this);
    this.#waiters.fail(this.#over());
    for (const membership of this.#memberships.values()) membership.end();
    this.#memberships.clear();
    this.members.clear();
    this.#parameters = null;
  }

  #over(): RunClosedError {
    return new RunClosedError(this.run.runId, this.lease.token, 'its conductor closed it');
  }
}
