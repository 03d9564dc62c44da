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
});
