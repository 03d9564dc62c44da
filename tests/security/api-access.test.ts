import { request } from 'node:http';
import { TokenCheck } from '@elbo/coordinator/http/auth/tokens';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withRedis } from '../support/process-memory.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { ApiUnderTest, fullToken, readToken } from '../support/served-api.js';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
}

/** Every route that the OpenAPI document has, with values for its parameters. */
async function operations(api: ApiUnderTest): Promise<Operation[]> {
  const { body } = await api.json('/openapi.json');
  const paths = body.paths as Record<string, Record<string, { security?: unknown[] }>>;
  const values = { runId: 'run-1234', action: 'pause', name: 'spec.yaml', folder: 'pictures', epoch: '1', index: '0' };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path: path.replace('{kind}', 'samples').replace(/\{(\w+)\}/g, (_, name) => values[name as keyof typeof values]),
      isPublic: security?.length === 0,
    })),
  );
}

/** A request as `fetch` cannot make it: with any Host. */
function rawStatus(url: string, path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers }, (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe.skipIf(!redisForTests)('who may do what', () => {
  let redis: TestRedis;
  let api: ApiUnderTest;
  beforeAll(async () => {
    redis = await startTestRedis();
    api = await ApiUnderTest.start(redis, { hostNames: ['elbo.example.com'] });
  });
  afterAll(async () => {
    await api?.stop();
    await redis?.stop();
  });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const login = async (token: string, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ token }),
    });
  const cookieOf = (response: Response) => (response.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';

  it('answers nobody on any route without a token, or with a wrong one', async () => {
    const all = await operations(api);
    expect(all.length).toBeGreaterThan(20);
    expect(
      all
        .filter(({ isPublic }) => isPublic)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(['DELETE /api/v1/session', 'GET /healthz', 'POST /api/v1/session']);
    const wrong = [
      {},
      bearer('wrong-token-of-this-test'),
      bearer(''),
      { authorization: `Basic ${btoa(`a:${fullToken}`)}` },
    ];
    for (const { method, path } of [...all.filter((each) => !each.isPublic), { method: 'GET', path: '/queues' }]) {
      for (const headers of wrong) {
        const response = await fetch(`${api.url}${path}`, { method, headers });
        const { code } = (await response.json()) as { code: string };
        expect([method, path, response.status, code]).toEqual([method, path, 401, 'unauthorized']);
      }
    }
  });

  it('lets the token for reading see everything and change nothing', async () => {
    for (const { method, path, isPublic } of await operations(api)) {
      if (isPublic) continue;
      const status = await rawStatus(api.url, path, bearer(readToken), method);
      if (method === 'GET') expect([path, status]).not.toEqual([path, expect.toBeOneOf([401, 403])]);
      else expect([method, path, status]).toEqual([method, path, 403]);
    }
    expect(await rawStatus(api.url, '/queues/api/queues', bearer(readToken))).toBe(200);
    expect(await rawStatus(api.url, '/queues/api/queues/pause', bearer(readToken), 'PUT')).toBe(403);
  });

  it('gives a browser a cookie that is not the token, and takes it back', async () => {
    const opened = await login(readToken);
    expect(await opened.json()).toMatchObject({ access: 'read' });
    const [setCookie = ''] = opened.headers.getSetCookie();
    expect(setCookie).toMatch(/HttpOnly/);
    expect(setCookie).toMatch(/SameSite=Strict/);
    expect(setCookie).not.toContain(readToken);
    const cookie = cookieOf(opened);
    expect((await api.json('/api/v1/session', { headers: { cookie } })).body.access).toBe('read');
    await fetch(`${api.url}/api/v1/session`, { method: 'DELETE', headers: { cookie, origin: api.url } });
    expect((await api.json('/api/v1/session', { headers: { cookie } })).status).toBe(401);
  });

  it('marks the cookie for TLS alone when the page came over TLS', async () => {
    const origin = api.url.replace('http:', 'https:');
    expect((await login(readToken, { origin })).headers.getSetCookie()[0]).toMatch(/Secure/);
  });

  it('takes nothing from a page of another origin', async () => {
    const cookie = cookieOf(await login(fullToken));
    const pause = async (headers: Record<string, string>) =>
      (await fetch(`${api.url}/api/v1/runs/run-1234/pause`, { method: 'POST', headers })).status;
    expect(await pause({ cookie, origin: api.url })).toBe(404);
    expect(await pause({ cookie, 'sec-fetch-site': 'same-origin' })).toBe(404);
    expect(await pause({ cookie })).toBe(403);
    expect(await pause({ cookie, 'sec-fetch-site': 'same-site' })).toBe(403);
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `${api.url}.evil.example`]) {
      expect([origin, await pause({ cookie, origin })]).toEqual([origin, 403]);
      expect([origin, await pause({ ...bearer(fullToken), origin })]).toEqual([origin, 403]);
      expect([origin, await rawStatus(api.url, '/api/v1/events', { cookie, origin })]).toEqual([origin, 403]);
      expect((await login(fullToken, { origin })).status).toBe(403);
    }
    expect(await rawStatus(api.url, '/api/v1/events', { cookie, 'sec-fetch-site': 'cross-site' })).toBe(403);
  });

  it('answers to its own names alone', async () => {
    const port = new URL(api.url).port;
    const statusFor = (host: string) => rawStatus(api.url, '/api/v1/runs', { ...bearer(fullToken), host });
    for (const host of [`localhost:${port}`, '127.0.0.1', '[::1]:80', 'elbo.example.com', 'ELBO.example.com:443']) {
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    }
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost@evil.example']) {
      expect([host, await statusFor(host)]).toEqual([host, 421]);
    }
    expect(await rawStatus(api.url, '/healthz', { host: 'anybody' })).toBe(200);
    expect(await rawStatus(api.url, '/', { host: 'evil.example' })).toBe(421);
  });

  it('makes guessing tokens slow', async () => {
    const other = await ApiUnderTest.start(redis);
    const attempt = async (token: string) =>
      fetch(`${other.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
    try {
      for (let i = 0; i < 30; i++) expect((await attempt(fullToken)).status).toBe(200);
      const statuses = [];
      for (let i = 0; i < 12; i++) statuses.push((await attempt(`guess number ${i} of a token`)).status);
      expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
      const refused = await attempt(fullToken);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await other.stop();
    }
  });

  it('says within a few seconds that Redis does not answer, and goes on when it does again', async () => {
    await withRedis(redis.url, (client) => client.call('CLIENT', 'PAUSE', '6000', 'ALL'));
    const waiting = await api.json('/api/v1/runs');
    expect(waiting).toMatchObject({ status: 503, body: { code: 'redis-unavailable' } });
    expect((await api.fetch('/healthz')).status).toBe(200);
    await vi.waitFor(async () => expect((await api.fetch('/api/v1/runs')).status).toBe(200), { timeout: 30_000 });
  });

  it('blames no Redis where there is none, however long folders take to read', async () => {
    const slowMs = 3500; // longer than Redis may take
    const list = () => new Promise<[]>((resolve) => setTimeout(() => resolve([]), slowMs));
    const local = await ApiUnderTest.start(redis, { queues: [], directory: { list } as unknown as RunDirectory });
    try {
      expect(await local.json('/api/v1/runs')).toEqual({ status: 200, body: { runs: [] } });
    } finally {
      await local.stop();
    }
  });

  it('sends headers that keep a page to itself', async () => {
    for (const path of ['/', '/healthz', '/api/v1/runs', '/nothing']) {
      const { headers } = await api.fetch(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none';script-src 'self'/);
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe/);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('tells of a fault of its own that there was one, and nothing else', async () => {
    const broken = await ApiUnderTest.start(redis, {
      directory: {
        list: async () => {
          throw new Error('the secret of the broken directory');
        },
      } as never,
    });
    try {
      const answer = await broken.fetch('/api/v1/runs');
      expect([answer.status, await answer.text()]).toEqual([
        500,
        expect.stringMatching(
          /^\{"code":"internal","message":"this is a fault of the coordinator; its log has it as req-\w+"\}$/,
        ),
      ]);
    } finally {
      await broken.stop();
    }
  });
});

describe('tokens', () => {
  it('that can be guessed, or are one for both, are refused at the start', () => {
    expect(() => new TokenCheck({ full: 'fifteen letters', read: null })).toThrow(/16 to 512/);
    expect(() => new TokenCheck({ full: 'a token with spaces in it', read: null })).toThrow(/without spaces/);
    expect(() => new TokenCheck({ full: fullToken, read: 'short' })).toThrow(/read access/);
    expect(() => new TokenCheck({ full: fullToken, read: fullToken })).toThrow(/another one/);
    expect(() => new TokenCheck({ full: null, read: null })).toThrow(/needs a token/);
  });
});
