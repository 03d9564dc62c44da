import dns from 'node:dns';
import { requestDataset } from '@elbo/transport/data-plane/dataset-client';
import { connectMember } from '@elbo/transport/data-plane/member-connection';
import { connectRedis } from '@elbo/transport/redis/connection';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => void vi.restoreAllMocks());

it('what nobody answers at is told with the reason, also when its name has several addresses', async () => {
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: object, told: (...answer: unknown[]) => void) =>
    process.nextTick(told, null, addresses)) as never);
  const reason = 'connect ECONNREFUSED 127.0.0.1:1, connect ECONNREFUSED 127.0.0.2:1';
  const conductor = 'http://two.local:1';
  const { signal } = new AbortController();
  await expect(connectMember({ conductor, runId: 'some-run', lease: 1, token: 'secret' })).rejects.toThrow(reason);
  await expect(requestDataset({ conductor, hash: 'a'.repeat(64), token: 'secret', from: 0, signal })).rejects.toThrow(
    reason,
  );
  await expect(connectRedis('redis://two.local:1')).rejects.toThrow(reason);
});
