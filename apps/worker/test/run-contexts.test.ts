import type { ShardJob } from '@elbo/protocol/messages';
import type { RunMembership } from '@elbo/transport/worker-transport';
import { RunContexts } from '@elbo/worker/run-contexts';
import { describe, expect, it } from 'vitest';
import { resolvedRun } from '../../../packages/transport/test/fixtures.js';

const job: ShardJob = {
  kind: 'gradient',
  runId: 'run-1',
  lease: 1,
  conductor: '',
  parameterVersion: 0,
  shard: 0,
  attempt: 0,
  step: 0,
};

it('a membership that ended before it was used gets no context: nothing would take it away', async () => {
  let asked = 0;
  const openDataset = async () => {
    asked++;
    return new SharedArrayBuffer(8);
  };
  const contexts = new RunContexts(1, { openDataset });
  const ended = { run: resolvedRun('run-1'), signal: AbortSignal.abort() };
  await expect(contexts.of(job, ended as RunMembership)).rejects.toMatchObject({ code: 'RUN_CLOSED', runId: 'run-1' });
  expect(asked).toBe(0);
});

describe('the memory of a membership', () => {
  it('is new for each, however often connections are lost under one lease', () => {
    const contexts = new RunContexts(1, { openDataset: () => Promise.reject(new Error('nobody asks for it')) });
    const length = 100_000;
    for (let connection = 0; connection < 50; connection++) {
      const allocate = contexts.memoryFor(job);
      for (let buffer = 0; buffer < 6; buffer++) allocate(length)[length - 1] = connection;
      expect(allocate(length).every((value) => value === 0)).toBe(true);
    }
  });

  it('stays the one of its contexts when a data set could not be had', async () => {
    let disk = () => Promise.reject<SharedArrayBuffer>(new Error('the disk is away'));
    const contexts = new RunContexts(1, { openDataset: () => disk() });
    const parameters = contexts.memoryFor(job)(100_000);
    const membership = { run: resolvedRun('run-1'), signal: new AbortController().signal } as RunMembership;
    await expect(contexts.of(job, membership)).rejects.toThrow('the disk is away');
    disk = async () => new SharedArrayBuffer(8);
    const { arena } = (await contexts.of(job, membership)).kernels;
    expect(arena.owns(parameters)).toBe(true);
  });

  it('stays when the context of the one before it fails late', async () => {
    let cut = (_error: Error) => {};
    const fetching = new Promise<SharedArrayBuffer>((_, reject) => (cut = reject));
    const datasets = [fetching, Promise.resolve(new SharedArrayBuffer(8))];
    const contexts = new RunContexts(1, { openDataset: () => datasets.shift() as Promise<SharedArrayBuffer> });
    const run = resolvedRun('run-1');
    const lost = new AbortController();
    contexts.memoryFor(job);
    const first = contexts.of(job, { run, signal: lost.signal } as RunMembership);
    lost.abort();
    const allocate = contexts.memoryFor(job);
    const second = { run, signal: new AbortController().signal } as RunMembership;
    const context = await contexts.of(job, second);
    cut(new Error('the fetch was cut'));
    await expect(first).rejects.toThrow('the fetch was cut');
    expect(await contexts.of(job, second)).toBe(context);
    expect(context.kernels.arena.owns(allocate(100_000))).toBe(true);
  });
});
