import type { ContributionHeader, ContributionReply, MemberHello, ShardJob } from '@elbo/protocol/messages';
import type { Admission, RunHooks } from '@elbo/transport/conductor-transport';

export type HookEvent =
  | { hook: 'admit'; job: ShardJob; workerId: string }
  | { hook: 'contributed'; header: ContributionHeader; gradient: Float32Array | null }
  | { hook: 'abandoned'; job: ShardJob; reason: string }
  | { hook: 'memberJoined'; member: MemberHello }
  | { hook: 'memberLeft'; member: MemberHello; unfinished: readonly ShardJob[] }
  | { hook: 'shardTaken'; member: MemberHello; job: ShardJob }
  | { hook: 'shardDropped'; member: MemberHello; job: ShardJob }
  | { hook: 'shardFailed'; job: ShardJob; message: string; willRetry: boolean };
type HookName = HookEvent['hook'];
type EventOf<K extends HookName> = Extract<HookEvent, { hook: K }>;

const deadlineMs = 8000;

/** A coordinator reduced to its ears: notes each hook, counts each shard of the current version once. */
export class RecordingHooks implements RunHooks {
  readonly events: HookEvent[] = [];
  /** Buffers that were lent and did not come back. */
  readonly onLoan = new Set<Float32Array>();
  /** The version whose shards count. */
  version = 0;
  dataset: { hash: string; bytes: Uint8Array } | null = null;
  readonly #counted = new Set<string>();
  #listeners = new Set<() => void>();

  constructor(private readonly parameterCount: number) {}

  admit(job: ShardJob, workerId: string): Admission {
    this.#note({ hook: 'admit', job, workerId });
    if (job.parameterVersion !== this.version) {
      return { admitted: false, reason: 'wrong-step', message: `the run is at version ${this.version}` };
    }
    const shard = `${job.kind} ${job.parameterVersion} ${job.shard}`;
    if (this.#counted.has(shard)) return { admitted: false, reason: 'duplicate', message: `${shard} is counted` };
    if (job.kind === 'evaluation') return { admitted: true, buffer: null };
    const buffer = new Float32Array(new SharedArrayBuffer(4 * this.parameterCount));
    this.onLoan.add(buffer);
    return { admitted: true, buffer };
  }

  contributed(header: ContributionHeader, buffer: Float32Array | null): ContributionReply {
    const { job } = header;
    if (buffer !== null) this.onLoan.delete(buffer);
    const shard = `${job.kind} ${job.parameterVersion} ${job.shard}`;
    if (this.#counted.has(shard)) return { accepted: false, reason: 'duplicate', message: `${shard} is counted` };
    this.#counted.add(shard);
    this.#note({ hook: 'contributed', header, gradient: buffer });
    return { accepted: true };
  }

  abandoned(job: ShardJob, buffer: Float32Array | null, reason: string): void {
    if (buffer !== null) this.onLoan.delete(buffer);
    this.#note({ hook: 'abandoned', job, reason });
  }

  /** Why workers are refused; null when they are not. */
  refusal: string | null = null;

  refusesMember(): string | null {
    return this.refusal;
  }

  memberJoined(member: MemberHello): void {
    this.#note({ hook: 'memberJoined', member });
  }

  memberLeft(member: MemberHello, unfinished: readonly ShardJob[]): void {
    this.#note({ hook: 'memberLeft', member, unfinished });
  }

  shardTaken(member: MemberHello, job: ShardJob): void {
    this.#note({ hook: 'shardTaken', member, job });
  }

  shardDropped(member: MemberHello, job: ShardJob): void {
    this.#note({ hook: 'shardDropped', member, job });
  }

  shardFailed(_member: MemberHello, job: ShardJob, message: string, willRetry: boolean): void {
    this.#note({ hook: 'shardFailed', job, message, willRetry });
  }

  datasetBytes(hash: string): Uint8Array | null {
    return this.dataset?.hash === hash ? this.dataset.bytes : null;
  }

  all<K extends HookName>(hook: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.hook === hook);
  }

  /** The events of a hook, once there are so many. */
  async until<K extends HookName>(hook: K, count = 1): Promise<EventOf<K>[]> {
    const start = performance.now();
    while (this.all(hook).length < count) {
      const left = deadlineMs - (performance.now() - start);
      if (left <= 0) throw new Error(`${this.all(hook).length} of ${count} ${hook} within ${deadlineMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        const listener = () => {
          clearTimeout(timer);
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
    return this.all(hook);
  }

  #note(event: HookEvent): void {
    this.events.push(event);
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Resolves with the first answer that is not null or undefined. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  withinMs = deadlineMs,
): Promise<NonNullable<T>> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (performance.now() - start > withinMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
