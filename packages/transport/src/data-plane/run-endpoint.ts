import type { MemberHello, ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import type { Lease, RunHooks, WireBytes } from '../conductor-transport.js';
import type { Logger } from '../log.js';
import type { MemberSession } from './member-session.js';
import { PublishedParameters } from './published-parameters.js';
import type { RefusalCounter } from './refusal-counter.js';

/** A run as the data plane serves it: its members and its current parameters. */
export class RunEndpoint {
  readonly members = new Map<string, MemberHello>();
  readonly parameters = new PublishedParameters();
  closed = false;
  /** Of memberships that are over. */
  readonly #wireBefore = { sent: 0, received: 0 };
  /** Open ones, those that have not said hello too. */
  readonly #sessions = new Set<MemberSession>();
  readonly #byWorker = new Map<string, MemberSession>();

  constructor(
    readonly run: ResolvedRun,
    readonly lease: Lease,
    readonly hooks: RunHooks,
    readonly refusals: RefusalCounter,
    readonly logger: Logger,
  ) {}

  get wireBytes(): WireBytes {
    const total = { ...this.#wireBefore };
    for (const { socket } of this.#sessions) {
      total.sent += socket.wireBytes.sent;
      total.received += socket.wireBytes.received;
    }
    return total;
  }

  publish(version: number, parameters: Float32Array): void {
    if (this.closed) return;
    this.parameters.replace(version, parameters);
    for (const session of this.#sessions) session.offerParameters();
  }

  assign(workerId: string, job: ShardJob): boolean {
    const session = this.closed ? undefined : this.#byWorker.get(workerId);
    session?.assign(job);
    return session !== undefined;
  }

  opened(session: MemberSession): void {
    this.#sessions.add(session);
  }

  /** A worker that connects again replaces its older self. */
  joined(session: MemberSession, hello: MemberHello): void {
    this.#byWorker.get(hello.workerId)?.close('the same worker joined again');
    this.#byWorker.set(hello.workerId, session);
    this.members.set(hello.workerId, hello);
    this.hooks.memberJoined(hello);
  }

  left(session: MemberSession): void {
    if (this.#sessions.delete(session)) {
      const { sent, received } = session.socket.wireBytes;
      this.#wireBefore.sent += sent;
      this.#wireBefore.received += received;
    }
    const { hello } = session;
    if (hello === null || this.#byWorker.get(hello.workerId) !== session) return;
    this.#byWorker.delete(hello.workerId);
    this.members.delete(hello.workerId);
    if (!this.closed) this.hooks.memberLeft(hello, session.unfinished());
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const session of this.#sessions) session.close('the conductor closed the run');
    this.parameters.close();
  }
}
