import {
  type ContributionHeader,
  type ContributionReply,
  contributionHeaderSchema,
  type MemberHello,
  type RefusalReason,
  type ShardJob,
} from '@elbo/protocol/messages';
import { FrameError } from '../errors.js';
import { contributionEnvelopeSchema, firstIssue, readHeader } from './frame-headers.js';
import { bytesOf } from './gradient-buffers.js';
import type { RunEndpoint } from './run-endpoint.js';
import type { ForeignMemory } from './shared-memory.js';

/** What a receiver needs of the session it belongs to. */
export interface ReceiverContext {
  readonly endpoint: RunEndpoint;
  readonly hello: MemberHello | null;
  readonly memory: ForeignMemory | null;
  finished(job: ShardJob): void;
  reply(id: number, reply: ContributionReply): void;
}

type Refusal = Extract<ContributionReply, { accepted: false }>;
type Arrival =
  | { readonly admitted: true; readonly header: ContributionHeader; readonly buffer: Float32Array | null }
  | { readonly admitted: false; readonly reply: ContributionReply };

/** Takes the contributions of one member: asks the coordinator for a buffer, fills it, tells it, replies. */
export class ContributionReceiver {
  #id = 0;
  #memorySlot: number | null = null;
  #arrival: Arrival | null = null;

  constructor(private readonly context: ReceiverContext) {}

  head(header: unknown, payloadBytes: number): Uint8Array | null {
    const { endpoint } = this.context;
    const envelope = readHeader(contributionEnvelopeSchema, header, 'contribution');
    if (payloadBytes > endpoint.parameters.byteLength) {
      throw new FrameError(
        `a gradient of ${payloadBytes} bytes came where the parameters are ${endpoint.parameters.byteLength}`,
      );
    }
    this.#id = envelope.id;
    this.#memorySlot = envelope.memorySlot;
    this.#arrival = this.#admit(envelope.header, payloadBytes);
    if (!this.#arrival.admitted || this.#memorySlot !== null) return null;
    return this.#arrival.buffer === null ? null : bytesOf(this.#arrival.buffer);
  }

  whole(intact: boolean): void {
    const arrival = this.#arrival;
    if (arrival === null) return;
    if (!arrival.admitted) {
      this.#arrival = null;
      this.context.reply(this.#id, arrival.reply);
      return;
    }
    const { header, buffer } = arrival;
    const { hooks } = this.context.endpoint;
    let damage: Refusal | null = null;
    if (!intact) {
      damage = refusal(
        'bad-checksum',
        'the gradient does not have its checksum: it was changed on the way, send it again',
      );
    } else if (buffer !== null && this.#memorySlot !== null && !this.#readMemory(this.#memorySlot, buffer)) {
      damage = refusal('bad-length', 'the gradient could not be read whole from shared memory');
    }
    this.#arrival = null;
    if (damage !== null) {
      // The shard stays among the member's unfinished ones: it sends it again, or leaves.
      hooks.abandoned(header.job, buffer, damage.message);
      this.context.reply(this.#id, damage);
      return;
    }
    this.context.finished(header.job);
    this.context.reply(this.#id, hooks.contributed(header, buffer));
  }

  /** The connection is gone: what was arriving will not come. */
  abandon(reason: string): void {
    const arrival = this.#arrival;
    this.#arrival = null;
    if (arrival?.admitted && !this.context.endpoint.closed) {
      this.context.endpoint.hooks.abandoned(arrival.header.job, arrival.buffer, reason);
    }
  }

  #admit(unread: unknown, payloadBytes: number): Arrival {
    const { endpoint, hello } = this.context;
    const parsed = contributionHeaderSchema.safeParse(unread);
    if (!parsed.success) return refused('bad-header', `the contribution is malformed: ${firstIssue(parsed.error)}`);
    const header = parsed.data;
    const { job } = header;
    if (header.workerId !== hello?.workerId) {
      return refused('bad-header', `worker ${hello?.workerId} sent a contribution in the name of ${header.workerId}`);
    }
    if (job.runId !== endpoint.run.runId) return refused('unknown-run', `this conductor has no run ${job.runId} here`);
    if (job.lease !== endpoint.lease.token) {
      return refused(
        'deposed-lease',
        `lease ${job.lease} is not lease ${endpoint.lease.token}, which conducts the run`,
      );
    }
    const expected = job.kind === 'gradient' ? endpoint.parameters.byteLength : 0;
    const coming = this.#memorySlot === null ? payloadBytes : expected;
    if (coming !== expected) return refused('bad-length', `a tensor of ${coming} bytes came instead of ${expected}`);
    const admission = endpoint.hooks.admit(job, header.workerId);
    if (!admission.admitted) {
      this.context.finished(job);
      return refused(admission.reason, admission.message);
    }
    const lent = admission.buffer?.byteLength ?? 0;
    if (lent !== expected) {
      endpoint.hooks.abandoned(job, admission.buffer, `the buffer has ${lent} bytes, the tensor ${expected}`);
      return refused('bad-length', `the conductor has room for ${lent} bytes, not for ${expected}`);
    }
    return { admitted: true, header, buffer: admission.buffer };
  }

  #readMemory(slot: number, buffer: Float32Array): boolean {
    return this.context.memory?.readSlot(slot, bytesOf(buffer)) ?? false;
  }
}

function refusal(reason: RefusalReason, message: string): Refusal {
  return { accepted: false, reason, message };
}

function refused(reason: RefusalReason, message: string): Arrival {
  return { admitted: false, reply: refusal(reason, message) };
}
