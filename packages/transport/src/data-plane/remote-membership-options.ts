import type { MemberHello, ShardJob } from '@elbo/protocol/messages';
import type { MemberConnectionOptions } from './member-connection.js';

export interface RemoteMembershipOptions extends MemberConnectionOptions {
  readonly hello: MemberHello;
  readonly allocate: (length: number) => Float32Array;
  /** False keeps every byte on the socket, as between two hosts. */
  readonly shareMemory: boolean;
  /** Told when a contribution is on its way: from then on the conductor minds the shard. */
  readonly onSent: (job: ShardJob) => void;
  /** Told when the conductor hands over a job that did not come through the queue. */
  readonly onAssigned: (job: ShardJob) => void;
}
