import { redisUrl } from '@elbo/cli/commands/parsers';
import { expect, it } from 'vitest';

it('an address of a Redis that cannot be read is refused without its password', () => {
  expect(redisUrl('redis://:p%2Fss@queue.local:6379')).toBe('redis://:p%2Fss@queue.local:6379');
  for (const text of ['redis://u:p/ss@queue.local:6379', 'http://:p/ss@queue.local:6379', 'mnist']) {
    expect(() => redisUrl(text)).toThrow(/is no address of a Redis. It must look like redis:\/\/host:6379/);
    expect(() => redisUrl(text)).not.toThrow(/p\/ss/);
  }
});
