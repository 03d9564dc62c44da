import { sessionSchema } from '@elbo/protocol/api';
import { afterEach, expect, it, vi } from 'vitest';
import { getJson } from '../src/api/client.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('what goes wrong with an answer is told of the server, which may be a coordinator or that of elbo dashboard', async () => {
  const answers = [
    () => Promise.reject(new TypeError('Failed to fetch')),
    () => Promise.resolve(new Response('<html>', { status: 502 })),
    () => Promise.resolve(Response.json({ of: 'another version' })),
  ];
  for (const [index, said] of [/^The server does not/, /^The server answered 502/, /^The server's/].entries()) {
    vi.stubGlobal('fetch', answers[index]);
    await expect(getJson(sessionSchema, 'session')).rejects.toThrow(said);
  }
});
