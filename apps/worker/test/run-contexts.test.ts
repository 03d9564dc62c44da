import type { ShardJob } from '@elbo/protocol/messages';
import { RunContexts } from '@elbo/worker/run-contexts';
import { describe, expect, it } from 'vitest';

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
