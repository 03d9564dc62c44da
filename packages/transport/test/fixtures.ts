import { hostname } from 'node:os';
import {
  type ContributionHeader,
  type MemberHello,
  type ResolvedRun,
  resolvedRunSchema,
  type ShardJob,
} from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import type { Allocate, RunMembership, WorkerTransport } from '@elbo/transport/worker-transport';

export const spec = runSpecSchema.parse({ dataset: { name: 'mnist' } });

export function resolvedRun(runId: string): ResolvedRun {
  return resolvedRunSchema.parse({
    runId,
    spec,
    datasetHash: 'd'.repeat(64),
    dataDim: 784,
    trainExamples: 60_000,
    validationExamples: 0,
    testExamples: 10_000,
    shardsPerStep: 2,
    microbatchSize: 64,
  });
}

export function gradientJob(channel: RunChannel, runId: string, lease: number, version: number, shard: number) {
  return {
    kind: 'gradient',
    runId,
    lease,
    conductor: channel.address,
    parameterVersion: version,
    shard,
    attempt: 0,
    step: version,
  } as const satisfies ShardJob;
}

export function hello(workerId: string): MemberHello {
  return { workerId, version: '0.1.0', engines: {}, cpu: '', threads: 1, host: hostname(), pid: process.pid };
}

export function newMemory(): Allocate {
  return (length) => new Float32Array(new SharedArrayBuffer(4 * length));
}

export function header(job: ShardJob, workerId: string): ContributionHeader {
  return {
    job,
    workerId,
    terms: { sampleCount: 64, reconstructionLogProb: -7000.25, klPerDimension: [1.5, 0.25] },
    computeMs: 2,
  };
}

/** What the test worker makes of parameters: a gradient that tells version, shard and position. */
export function expectedGradient(parameters: Float32Array, shard: number): Float32Array {
  return parameters.map((value, i) => value * 2 + shard + i);
}

export function sameBits(a: Float32Array | null, b: Float32Array): boolean {
  return a !== null && bytes(a).equals(bytes(b));
}

function bytes(array: Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** The whole way of a gradient shard, as a worker goes it. */
export async function computeShard(worker: WorkerTransport, workerId: string, job: ShardJob): Promise<RunMembership> {
  const membership = await worker.join(job, hello(workerId), newMemory);
  const parameters = await membership.parametersFor(job.parameterVersion);
  const gradient = await membership.contributionBuffer(job);
  gradient.set(expectedGradient(parameters, job.shard));
  await membership.contribute(header(job, workerId), gradient);
  return membership;
}
