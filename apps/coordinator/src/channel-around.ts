import type { ShardJob } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';

/** A channel that does as another does, but for what a subclass does differently. */
export abstract class ChannelAround implements RunChannel {
  constructor(protected readonly channel: RunChannel) {}

  get address() {
    return this.channel.address;
  }

  get members() {
    return this.channel.members;
  }

  get wireBytes() {
    return this.channel.wireBytes;
  }

  get refusals() {
    return this.channel.refusals;
  }

  dispatch(jobs: readonly ShardJob[]): Promise<void> {
    return this.channel.dispatch(jobs);
  }

  waiting(jobs: readonly ShardJob[]): Promise<readonly ShardJob[]> {
    return this.channel.waiting(jobs);
  }

  hurry(jobs: readonly ShardJob[]): Promise<void> {
    return this.channel.hurry(jobs);
  }

  assign(workerId: string, job: ShardJob): boolean {
    return this.channel.assign(workerId, job);
  }

  publish(version: number, parameters: Float32Array): void {
    this.channel.publish(version, parameters);
  }

  close(): Promise<void> {
    return this.channel.close();
  }
}
