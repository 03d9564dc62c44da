import type { ConductorTransport, Lease, RunChannel } from '@elbo/transport/conductor-transport';
import type { WorkerTransport } from '@elbo/transport/worker-transport';
import { gradientJob, resolvedRun } from '../fixtures.js';
import { RecordingHooks } from '../recording-hooks.js';

// What is refused in tests on purpose need not be read.
process.env.ELBO_LOG_LEVEL ??= 'silent';

/** A transport under test, both sides of it. */
export interface TransportBed {
  readonly conductor: ConductorTransport;
  worker(): Promise<WorkerTransport>;
  close(): Promise<void>;
}

export const parameterCount = 70_001;
export const runId = 'conformance-run';
export const parameters = Float32Array.from({ length: parameterCount }, (_, i) => Math.sin(i));

/** A run that is conducted over a transport, new for each test. */
export class Stage {
  bed!: TransportBed;
  lease!: Lease;
  hooks!: RecordingHooks;
  channel!: RunChannel;

  async set(bed: TransportBed): Promise<void> {
    this.bed = bed;
    this.lease = (await bed.conductor.store.acquireLease(runId, 'test', 60_000)) as Lease;
    this.hooks = new RecordingHooks(parameterCount);
    this.channel = await bed.conductor.openRun(resolvedRun(runId), this.lease, this.hooks);
  }

  async clear(): Promise<void> {
    await this.channel.close();
    await this.bed.close();
  }

  job(version: number, shard: number) {
    return gradientJob(this.channel, runId, this.lease.token, version, shard);
  }
}
