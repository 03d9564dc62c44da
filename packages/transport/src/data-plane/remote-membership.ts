import type {
  ContributionHeader,
  ContributionReply,
  RefusalReason,
  ResolvedRun,
  ShardJob,
} from '@elbo/protocol/messages';
import {
  ConductorUnreachableError,
  ContributionFailedError,
  FrameError,
  MemberRefusedError,
  RunClosedError,
} from '../errors.js';
import { shardJobKey } from '../shard-job.js';
import type { DatasetBytes, RunMembership } from '../worker-transport.js';
import { requestDataset } from './dataset-client.js';
import { type FrameHandler, type FrameType, frameTypes } from './frame.js';
import {
  assignHeaderSchema,
  goodbyeHeaderSchema,
  parametersHeaderSchema,
  parametersInMemoryHeaderSchema,
  readHeader,
  replyHeaderSchema,
  welcomeHeaderSchema,
} from './frame-headers.js';
import { FrameSocket } from './frame-socket.js';
import { bytesOf, GradientBuffers } from './gradient-buffers.js';
import { connectMember, type MemberConnection } from './member-connection.js';
import { PendingReplies } from './pending-replies.js';
import { ReceivedParameters } from './received-parameters.js';
import type { RemoteMembershipOptions } from './remote-membership-options.js';
import { ForeignMemory, SharedMemory } from './shared-memory.js';

const welcomeDeadlineMs = 5000;

/** The shard is needed still, and this contribution for it is of no use. */
const unusable: ReadonlySet<RefusalReason> = new Set(['bad-header', 'bad-length', 'bad-checksum']);

interface Welcome {
  readonly resolve: (run: ResolvedRun) => void;
  readonly reject: (error: Error) => void;
}

/** A worker's membership of a run, over one connection to its conductor. */
export class RemoteMembership implements RunMembership, FrameHandler {
  #run: ResolvedRun | null = null;
  readonly #abort = new AbortController();
  readonly #socket: FrameSocket;
  readonly #parameters: ReceivedParameters;
  readonly #gradients: GradientBuffers;
  readonly #memory: SharedMemory | null;
  #conductorMemory: ForeignMemory | null = null;
  #gradientsInMemory = false;
  readonly #taken = new Set<string>();
  readonly #replies = new PendingReplies();
  #closedBecause = 'the membership ended';

  private constructor(
    private readonly options: RemoteMembershipOptions,
    connection: MemberConnection,
    private welcome: Welcome | null,
  ) {
    this.#memory = options.shareMemory ? SharedMemory.create() : null;
    this.#parameters = new ReceivedParameters(options.runId, options.allocate);
    this.#gradients = new GradientBuffers(options.runId, options.allocate, this.#memory);
    this.#socket = new FrameSocket(connection.stream, connection.head, this, (error) => this.#onClosed(error));
    const memory = this.#memory?.address ?? null;
    this.#socket.send(frameTypes.hello, { proof: connection.proof, member: options.hello, memory });
  }

  /** @throws RunClosedError, ConductorUnreachableError */
  static async open(options: RemoteMembershipOptions): Promise<RemoteMembership> {
    const connection = await connectMember(options);
    let membership: RemoteMembership | undefined;
    const deadline = setTimeout(
      () => membership?.destroy(new Error('it did not answer hello in time')),
      welcomeDeadlineMs,
    );
    try {
      await new Promise<ResolvedRun>((resolve, reject) => {
        membership = new RemoteMembership(options, connection, { resolve, reject });
      });
    } finally {
      clearTimeout(deadline);
    }
    return membership as RemoteMembership;
  }

  get run(): ResolvedRun {
    if (this.#run === null) throw this.#over();
    return this.#run;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  take(job: ShardJob): void {
    this.#taken.add(shardJobKey(job));
    this.#socket.send(frameTypes.taken, { job });
  }

  /** The handler of the job is done; when it contributed, the conductor knows already. */
  drop(job: ShardJob): void {
    if (this.#taken.delete(shardJobKey(job))) this.#socket.send(frameTypes.dropped, { job });
  }

  failed(job: ShardJob, message: string, willRetry: boolean): void {
    this.#taken.delete(shardJobKey(job));
    this.#socket.send(frameTypes.failed, { job, message: message.slice(0, 4096), willRetry });
  }

  async parametersFor(version: number): Promise<Float32Array> {
    if (this.#socket.closed) throw this.#over();
    return this.#parameters.get(version);
  }

  async contributionBuffer(_job: ShardJob): Promise<Float32Array> {
    if (this.#socket.closed) throw this.#over();
    return this.#gradients.lend(await this.#parameters.whenSized());
  }

  async contribute(header: ContributionHeader, gradient: Float32Array | null): Promise<ContributionReply> {
    if (gradient !== null) this.#gradients.assertLent(gradient);
    try {
      let reply = await this.#send(header, gradient, this.#gradientsInMemory);
      if (isDamaged(reply)) reply = await this.#send(header, gradient, false);
      if (!reply.accepted && unusable.has(reply.reason)) {
        throw new ContributionFailedError(header.job, reply.reason, reply.message);
      }
      this.#taken.delete(shardJobKey(header.job));
      return reply;
    } finally {
      // The reply says that the conductor has it whole; without one, nothing of the buffer is sent any more.
      if (gradient !== null) this.#gradients.giveBack(gradient);
    }
  }

  /** Rejects when the membership ends before the reply. */
  #send(header: ContributionHeader, gradient: Float32Array | null, throughMemory: boolean): Promise<ContributionReply> {
    if (this.#socket.closed) throw this.#over();
    const memorySlot = gradient !== null && throughMemory ? this.#gradients.share(gradient) : null;
    const payload = gradient !== null && memorySlot === null ? bytesOf(gradient) : null;
    const { id, reply } = this.#replies.expect();
    this.#socket.send(frameTypes.contribution, { id, header, memorySlot }, payload);
    this.options.onSent(header.job);
    return reply;
  }

  discard(gradient: Float32Array): void {
    this.#gradients.giveBack(gradient);
  }

  fetchDataset(hash: string, from: number): Promise<DatasetBytes> {
    return requestDataset({ ...this.options, hash, from, signal: this.signal });
  }

  leave(reason: string): void {
    this.#socket.end(frameTypes.goodbye, { reason });
  }

  destroy(error: Error): void {
    this.#socket.destroy(error);
  }

  head(type: FrameType, header: unknown, payloadBytes: number): Uint8Array | null {
    if (type === frameTypes.parameters) {
      const { version, parameterCount, byteOffset } = readHeader(parametersHeaderSchema, header, 'parameters');
      return this.#parameters.partTarget(version, parameterCount, byteOffset, payloadBytes);
    }
    if (payloadBytes > 0) throw new FrameError(`a frame of type ${type} carries no payload`);
    return null;
  }

  whole(type: FrameType, header: unknown, intact: boolean): void {
    switch (type) {
      case frameTypes.ping:
        return;
      case frameTypes.parameters:
        if (!intact) throw new FrameError('a part of the parameters does not have its checksum');
        this.#parameters.partArrived();
        return;
      case frameTypes.parametersInMemory: {
        const { version, parameterCount } = readHeader(parametersInMemoryHeaderSchema, header, 'parametersInMemory');
        if (this.#conductorMemory === null) throw new FrameError('the conductor shares no memory with this worker');
        this.#parameters.readFrom(this.#conductorMemory, version, parameterCount);
        return;
      }
      case frameTypes.reply: {
        const { id, reply } = readHeader(replyHeaderSchema, header, 'reply');
        this.#replies.settle(id, reply);
        return;
      }
      case frameTypes.welcome:
        this.#onWelcome(header);
        return;
      case frameTypes.assign:
        this.options.onAssigned(readHeader(assignHeaderSchema, header, 'assign').job);
        return;
      case frameTypes.goodbye: {
        const { reason, refused = false } = readHeader(goodbyeHeaderSchema, header, 'goodbye');
        if (refused) this.welcome?.reject(new MemberRefusedError(this.options.runId, reason));
        if (refused) this.welcome = null;
        this.#closedBecause = reason;
        this.#socket.destroy(null);
        return;
      }
      default:
        throw new FrameError(`a conductor does not send frames of type ${type}`);
    }
  }

  #onWelcome(header: unknown): void {
    const { run, memory, gradientsInMemory } = readHeader(welcomeHeaderSchema, header, 'welcome');
    if (this.#run !== null) throw new FrameError('welcome comes once');
    this.#run = run;
    this.#gradientsInMemory = gradientsInMemory;
    if (this.options.shareMemory && memory !== null) this.#conductorMemory = ForeignMemory.open(memory);
    this.#socket.send(frameTypes.ready, { parametersInMemory: this.#conductorMemory !== null });
    this.welcome?.resolve(run);
    this.welcome = null;
  }

  #onClosed(error: Error | null): void {
    if (error !== null) this.#closedBecause = `the connection broke: ${error.message}`;
    const over = this.#over();
    this.welcome?.reject(
      error === null ? over : new ConductorUnreachableError(this.options.conductor, error.message, { cause: error }),
    );
    this.welcome = null;
    this.#parameters.fail(over);
    this.#replies.failAll(over);
    this.#memory?.close();
    this.#conductorMemory?.close();
    this.#conductorMemory = null;
    this.#abort.abort(over);
  }

  #over(): RunClosedError {
    return new RunClosedError(this.options.runId, this.options.lease, this.#closedBecause);
  }
}

/** Changed or cut short on its way: worth sending again. */
function isDamaged(reply: ContributionReply): boolean {
  return !reply.accepted && (reply.reason === 'bad-checksum' || reply.reason === 'bad-length');
}
