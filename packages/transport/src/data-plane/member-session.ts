import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import type { ContributionReply, MemberHello, ShardJob } from '@elbo/protocol/messages';
import { FrameError } from '../errors.js';
import { shardJobKey } from '../shard-job.js';
import { ContributionReceiver, type ReceiverContext } from './contribution-receiver.js';
import { type FrameHandler, type FrameType, frameTypes } from './frame.js';
import {
  failedHeaderSchema,
  helloHeaderSchema,
  readHeader,
  readyHeaderSchema,
  takenHeaderSchema,
} from './frame-headers.js';
import { FrameSocket } from './frame-socket.js';
import { ParameterSender } from './parameter-sender.js';
import type { RunEndpoint } from './run-endpoint.js';
import { ForeignMemory } from './shared-memory.js';

const helloDeadlineMs = 5000;

/** The conductor's half of one membership connection. */
export class MemberSession implements FrameHandler, ReceiverContext {
  hello: MemberHello | null = null;
  /** The member's memory, when it can be read from here. */
  memory: ForeignMemory | null = null;
  readonly socket: FrameSocket;
  #ready: 'no' | 'memory' | 'socket' = 'no';
  readonly #taken = new Map<string, ShardJob>();
  readonly #contributions: ContributionReceiver;
  readonly #parameterSender: ParameterSender;
  readonly #helloDeadline: NodeJS.Timeout;

  /** `provesToken`: whether a hello's proof is that of a member, on this connection. */
  constructor(
    readonly endpoint: RunEndpoint,
    stream: Duplex,
    head: Buffer,
    private readonly provesToken: (proof: string) => boolean,
  ) {
    this.#contributions = new ContributionReceiver(this);
    this.#helloDeadline = setTimeout(
      () => this.socket.destroy(new Error('it did not say hello in time')),
      helloDeadlineMs,
    );
    endpoint.opened(this);
    this.socket = new FrameSocket(stream, head, this, (error) => this.#onClosed(error));
    this.#parameterSender = new ParameterSender(this.socket, endpoint.parameters);
  }

  unfinished(): ShardJob[] {
    return [...this.#taken.values()];
  }

  /** Gives the member the current version, if it has none newer to wait for. */
  offerParameters(): void {
    const { parameters } = this.endpoint;
    if (this.#ready === 'no' || parameters.version < 0) return;
    if (this.#ready === 'memory' && parameters.memory !== null) {
      const { version, parameterCount } = parameters;
      this.socket.send(frameTypes.parametersInMemory, { version, parameterCount });
    } else {
      this.#parameterSender.offer();
    }
  }

  assign(job: ShardJob): void {
    this.#taken.set(shardJobKey(job), job);
    this.socket.send(frameTypes.assign, { job });
  }

  close(reason: string): void {
    this.socket.end(frameTypes.goodbye, { reason });
  }

  head(type: FrameType, header: unknown, payloadBytes: number): Uint8Array | null {
    if ((type === frameTypes.hello) !== (this.hello === null)) throw new FrameError('hello comes first, and once');
    if (type === frameTypes.contribution) return this.#contributions.head(header, payloadBytes);
    if (payloadBytes > 0) throw new FrameError(`a frame of type ${type} carries no payload`);
    return null;
  }

  whole(type: FrameType, header: unknown, intact: boolean): void {
    switch (type) {
      case frameTypes.ping:
        return;
      case frameTypes.contribution:
        this.#contributions.whole(intact);
        return;
      case frameTypes.hello:
        this.#onHello(header);
        return;
      case frameTypes.ready:
        this.#ready = readHeader(readyHeaderSchema, header, 'ready').parametersInMemory ? 'memory' : 'socket';
        this.offerParameters();
        return;
      case frameTypes.taken: {
        const { job } = readHeader(takenHeaderSchema, header, 'taken');
        this.#assertOurs(job);
        this.#taken.set(shardJobKey(job), job);
        this.endpoint.hooks.shardTaken(this.#member(), job);
        return;
      }
      case frameTypes.dropped: {
        const { job } = readHeader(takenHeaderSchema, header, 'dropped');
        if (this.#taken.delete(shardJobKey(job))) this.endpoint.hooks.shardDropped(this.#member(), job);
        return;
      }
      case frameTypes.failed: {
        const { job, message, willRetry } = readHeader(failedHeaderSchema, header, 'failed');
        this.#assertOurs(job);
        if (this.#taken.delete(shardJobKey(job))) {
          this.endpoint.hooks.shardFailed(this.#member(), job, message, willRetry);
        }
        return;
      }
      case frameTypes.goodbye:
        this.socket.destroy(null);
        return;
      default:
        throw new FrameError(`a member does not send frames of type ${type}`);
    }
  }

  finished(job: ShardJob): void {
    this.#taken.delete(shardJobKey(job));
  }

  reply(id: number, reply: ContributionReply): void {
    if (!reply.accepted) this.endpoint.refusals.count(reply.reason);
    this.socket.send(frameTypes.reply, { id, reply });
  }

  #onHello(header: unknown): void {
    const { proof, member, memory } = readHeader(helloHeaderSchema, header, 'hello');
    clearTimeout(this.#helloDeadline);
    if (!this.provesToken(proof)) {
      this.endpoint.refusals.count('bad-token');
      throw new FrameError('a hello does not prove that its sender has the token');
    }
    const refusal = this.endpoint.hooks.refusesMember(member);
    if (refusal !== null) {
      this.endpoint.refusals.count('member-refused');
      this.socket.end(frameTypes.goodbye, { reason: refusal, refused: true });
      return;
    }
    const sameHost = member.host === hostname();
    if (sameHost && memory !== null) this.memory = ForeignMemory.open(memory);
    this.hello = member;
    this.socket.send(frameTypes.welcome, {
      run: this.endpoint.run,
      memory: sameHost ? (this.endpoint.parameters.memory?.address ?? null) : null,
      gradientsInMemory: this.memory !== null,
    });
    this.endpoint.joined(this, member);
  }

  #onClosed(error: Error | null): void {
    clearTimeout(this.#helloDeadline);
    if (error !== null && !this.endpoint.closed) {
      if (error instanceof FrameError) this.endpoint.refusals.count('bad-frame');
      const { runId } = this.endpoint.run;
      this.endpoint.logger.warn({ runId, workerId: this.hello?.workerId, err: error }, 'a membership connection broke');
    }
    this.#contributions.abandon('the membership connection closed');
    this.memory?.close();
    this.memory = null;
    this.endpoint.left(this);
  }

  #member(): MemberHello {
    if (this.hello === null) throw new FrameError('hello comes first');
    return this.hello;
  }

  #assertOurs(job: ShardJob): void {
    if (job.runId === this.endpoint.run.runId && job.lease === this.endpoint.lease.token) return;
    throw new FrameError(`a job of run ${job.runId}, lease ${job.lease}, does not belong to this membership`);
  }
}
