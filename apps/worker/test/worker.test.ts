import { setTimeout } from 'node:timers/promises';
import type { ContributionHeader, ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import { GradientBuffers } from '@elbo/transport/data-plane/gradient-buffers';
import type { RunMembership, WorkerTransport } from '@elbo/transport/worker-transport';
import { createModel } from '@elbo/vae-core/models/model';
import type { ComputePool } from '@elbo/worker/threads/thread-pool';
import { Worker } from '@elbo/worker/worker';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { resolvedRun } from '../../../packages/transport/test/fixtures.js';

const shards = 24;
const run: ResolvedRun = { ...resolvedRun('run-1'), shardsPerStep: shards };
const job = (shard: number): ShardJob => ({
  kind: 'gradient',
  runId: run.runId,
  lease: 1,
  conductor: '',
  parameterVersion: 0,
  shard,
  attempt: 0,
  step: 0,
});

it('a worker whose contributions are answered late has buffers enough for all of its shards', async () => {
  const { length } = createModel(run.spec.model, run.dataDim).layout;
  const answered: ContributionHeader[] = [];
  let work: (job: ShardJob) => Promise<void> = () => Promise.reject(new Error('nobody takes shards'));
  let membership: Promise<RunMembership> | null = null;
  const join: WorkerTransport['join'] = (_job, _hello, newMemory) => {
    const allocate = newMemory();
    const buffers = new GradientBuffers(run.runId, allocate, null);
    const parameters = allocate(length);
    return Promise.resolve({
      run,
      signal: new AbortController().signal,
      parametersFor: async () => parameters,
      contributionBuffer: async () => buffers.lend(length),
      contribute: async (header, gradient) => {
        await setTimeout(20);
        buffers.giveBack(gradient as Float32Array);
        answered.push(header);
        return { accepted: true };
      },
      discard: (gradient) => buffers.giveBack(gradient),
      fetchDataset: () => Promise.reject(new Error('nobody asks for it')),
    });
  };
  const transport: WorkerTransport = {
    takeShards(handler) {
      work = handler;
      return { setSlots: () => {}, drain: async () => {} };
    },
    join: (job, hello, newMemory) => (membership ??= join(job, hello, newMemory)),
    close: async () => {},
  };
  const terms = { sampleCount: 6, reconstructionLogProb: -3, klPerDimension: [0.5] };
  const pool: ComputePool = { run: async () => ({ terms, nonFinite: null, computeMs: 1 }), close: async () => {} };
  const surroundings = { openDataset: async () => new SharedArrayBuffer(8) };
  const worker = new Worker(transport, {
    workerId: 'w',
    threads: 1,
    log: pino({ level: 'silent' }),
    surroundings,
    pool,
  });
  await Promise.all(Array.from({ length: shards }, (_, shard) => work(job(shard))));
  expect(new Set(answered.map((header) => header.job.shard)).size).toBe(shards);
  await worker.close();
});
