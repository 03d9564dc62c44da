import { MemoryCeilingError, NonFiniteError } from '@elbo/coordinator/errors';
import { expect, it } from 'vitest';

it('names what mends a run as a spec and as the command line say it', () => {
  const nonFinite = new NonFiniteError('mnist-1', 1, 'step 2, shard 0').message;
  expect(nonFinite).toContain('The state after 1 step is saved');
  expect(nonFinite).toContain('clipGlobalNorm (--clip)');
  expect(nonFinite).toContain('onNonFinite: skip (--on-non-finite skip)');
  expect(new NonFiniteError('mnist-1', 2, 'step 3, shard 0').message).toContain('after 2 steps');
  expect(new MemoryCeilingError('mnist-1', '3 GiB', 0).message).toContain('shardsPerStep (--shards)');
});
