import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../packages/transport/test/recording-hooks.js';
import { ApiCluster } from '../support/api-cluster.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

const spec = {
  dataset: { name: 'gaussian-mixture', limit: 200 },
  model: { latentDim: 2, encoder: { hidden: [4] }, decoder: { hidden: [4] }, likelihood: { kind: 'gaussian' } },
  training: { epochs: 1, globalBatchSize: 100, shardsPerStep: 1 },
};
const secret = 'what nobody is to see';

/** Ways to say a path that leads elsewhere. */
const elsewhere = [
  ...['..', '../secret.txt', '../../secret.txt', '/secret.txt', './../secret.txt', 'pictures/../../secret.txt'],
  ...['%2e%2e%2fsecret.txt', '..%2fsecret.txt', '%2e%2e/secret.txt', '%252e%252e%252fsecret.txt', '..%5csecret.txt'],
  ...['%2fetc%2fpasswd', '//etc/passwd', '..;/secret.txt', '....//secret.txt', '%c0%ae%c0%ae/secret.txt'],
  ...['spec.yaml%00.png', '%00', 'spec.yaml/..', 'run.json%2f..%2f..%2fsecret.txt', '%E2%80%A5/secret.txt', '~root'],
  ...['checkpoint-000000001.elbo', '.hidden', 'a'.repeat(300), '%', '%zz', '*', 'con', 'SPEC.YAML'],
];

describe.skipIf(!redisForTests)('the HTTP API', () => {
  let redis: TestRedis;
  let cluster: ApiCluster;
  let runId = '';
  let runFolder = '';
  const slow: Socket[] = [];

  beforeAll(async () => {
    redis = await startTestRedis();
    cluster = await ApiCluster.start(redis);
    const submitted = await cluster.post('/api/v1/runs', { spec });
    if (submitted.status !== 201) throw new Error(submitted.body);
    runId = JSON.parse(submitted.body).runId;
    runFolder = join(cluster.runs, runId);
    await eventually(
      'the run ends',
      async () => {
        const { state } = JSON.parse((await cluster.ask(`/api/v1/runs/${runId}`)).body);
        if (state === 'failed') throw new Error(cluster.output);
        return state === 'completed';
      },
      45_000,
    );
    for (let i = 0; i < 50; i++) slow.push(dripping());
    await writeFile(join(cluster.runs, 'secret.txt'), secret);
    await writeFile(join(cluster.folder, 'secret.txt'), secret);
  });
  afterAll(async () => {
    await cluster?.stop();
    await redis.stop();
  });

  /** A connection that never comes to the end of its headers. */
  function dripping(): Socket {
    const socket = connect(Number(cluster.address.port), cluster.address.hostname);
    socket.on('error', () => {});
    socket.resume();
    socket.write('GET /api/v1/runs HTTP/1.1\r\nhost: x\r\n');
    const drip = setInterval(() => socket.writable && socket.write('a: b\r\n'), 300);
    socket.once('close', () => clearInterval(drip));
    return socket;
  }

  /** Each path and method that the API describes, with something in the place of its parameters. */
  async function everyRoute(): Promise<{ method: string; path: string }[]> {
    const { paths } = JSON.parse((await cluster.ask('/openapi.json')).body) as { paths: Record<string, object> };
    const values: Record<string, string> = {
      runId,
      action: 'pause',
      name: 'spec.yaml',
      folder: 'pictures',
      epoch: '1',
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        path: path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? (name === 'kind' ? 'samples' : '0')),
      })),
    );
  }

  const open = (path: string, method: string) =>
    path === '/healthz' || (path === '/api/v1/session' && method !== 'GET');

  it('lets nobody in without a token of the cluster, on any route', async () => {
    const routes = await everyRoute();
    expect(routes.length).toBeGreaterThan(15);
    const { full, read } = cluster.tokens;
    const wrong = [full.slice(1), `${full}x`, full.toUpperCase(), `${full} ${read}`, '', ' ', 'null', 'x'.repeat(600)];
    const looks = routes.flatMap(({ method, path }) => (method === 'GET' ? [{ method: 'HEAD', path }] : []));
    for (const { method, path } of [
      ...routes,
      ...looks.filter(({ path }) => !path.endsWith('/events')),
      { method: 'GET', path: '/queues/' },
      { method: 'GET', path: '/queues/api/queues' },
    ]) {
      if (open(path, method)) continue;
      const body = method === 'POST' ? '{}' : undefined;
      const headers: Record<string, string> = body ? { 'content-type': 'application/json' } : {};
      expect([method, path, (await cluster.ask(path, { method, as: null, body, headers })).status]).toEqual([
        method,
        path,
        401,
      ]);
    }
    for (const token of wrong) expect((await cluster.ask('/api/v1/runs', { as: { token } })).status).toBe(401);
    for (const authorization of [`Basic ${full}`, full, `bearer${full}`, `Elbo ${full}`]) {
      expect((await cluster.ask('/api/v1/runs', { as: null, headers: { authorization } })).status).toBe(401);
    }
    // Neither in the address, nor in a cookie.
    for (const path of [`/api/v1/runs?token=${full}`, `/api/v1/runs?access_token=${full}`]) {
      expect((await cluster.ask(path, { as: null })).status).toBe(401);
    }
    const cookie = `elbo-session-${cluster.address.port}=${full}`;
    expect((await cluster.ask('/api/v1/runs', { as: null, headers: { cookie } })).status).toBe(401);
  });

  it('lets a reader change nothing', async () => {
    for (const { method, path } of await everyRoute()) {
      if (method === 'GET' || open(path, method)) continue;
      expect((await cluster.post(path, {}, { method, as: 'read' })).status).toBe(403);
    }
    for (const path of ['/queues/api/queues/shards/clean/completed', '/queues/api/queues/runs/retry/failed']) {
      expect((await cluster.ask(path, { method: 'PUT', as: 'read' })).status).toBe(403);
    }
    expect((await cluster.ask('/api/v1/runs', { as: 'read' })).status).toBe(200);
  });

  it('gives a browser a session that is not the token, for its own pages alone', async () => {
    const { status, headers, body } = await cluster.post(
      '/api/v1/session',
      { token: cluster.tokens.full },
      { as: null, headers: { origin: cluster.address.origin } },
    );
    expect(status).toBe(200);
    const [set = ''] = headers['set-cookie'] ?? [];
    expect(set).toMatch(/HttpOnly/i);
    expect(set).toMatch(/SameSite=Strict/i);
    expect(set + body).not.toContain(cluster.tokens.full);
    const cookie = set.split(';')[0] as string;
    expect((await cluster.ask('/api/v1/runs', { as: null, headers: { cookie } })).status).toBe(200);
    for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${Number(cluster.address.port) + 1}`]) {
      const foreign = await cluster.post(`/api/v1/runs/${runId}/cancel`, {}, { as: null, headers: { cookie, origin } });
      expect(foreign.status).toBe(403);
      expect((await cluster.ask('/api/v1/events', { as: null, headers: { cookie, origin } })).status).toBe(403);
    }
    // A browser that says nothing of where it comes from has a cookie all the same.
    expect((await cluster.post(`/api/v1/runs/${runId}/cancel`, {}, { as: null, headers: { cookie } })).status).toBe(
      403,
    );
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('answers to its own name alone', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${cluster.address.port}`,
      '127.0.0.1.evil.example',
      'a@127.0.0.1',
    ]) {
      expect([host, [400, 421].includes((await cluster.ask('/api/v1/runs', { headers: { host } })).status)]).toEqual([
        host,
        true,
      ]);
    }
  });

  it('gives no file but those of the run, however its path is written', async () => {
    const under = [
      (text: string) => `/api/v1/runs/${runId}/artefacts/${text}`,
      (text: string) => `/api/v1/runs/${runId}/artefacts/pictures/${text}`,
      (text: string) => `/api/v1/runs/${runId}/pictures/${text}/samples.png`,
      (text: string) => `/api/v1/runs/${runId}/pictures/1/${text}.png`,
      (text: string) => `/api/v1/runs/${runId}/examples/${text}.png`,
      (text: string) => `/api/v1/runs/${text}`,
      (text: string) => `/api/v1/runs/${text}/artefacts/spec.yaml`,
      (text: string) => `/api/v1/runs/${text}/metrics`,
      (text: string) => `/api/v1/runs/${text}/events`,
      (text: string) => `/queues/static/${text}`,
      (text: string) => `/assets/${text}`,
      (text: string) => `/${text}`,
    ];
    for (const text of elsewhere) {
      for (const path of under.map((make) => make(text))) {
        const { status, body } = await cluster.ask(path);
        expect([path, status < 500]).toEqual([path, true]);
        expect(body).not.toContain(secret);
        expect(body).not.toMatch(/root:.*:0:0:/);
        if (path.includes('/artefacts/'))
          expect([path, status, [400, 403, 404, 414].includes(status)]).toEqual([path, status, true]);
      }
    }
    expect((await cluster.ask(`/api/v1/runs/${runId}/artefacts/spec.yaml`)).status).toBe(200);
    expect((await cluster.ask('/api/v1//runs')).status).toBe(404);
  });

  it('follows no link and waits at no pipe that lies in the folder of a run', async () => {
    const artefact = (name: string) => cluster.ask(`/api/v1/runs/${runId}/artefacts/${name}`);
    const replace = async (name: string, make: (path: string) => unknown) => {
      await rm(join(runFolder, name), { recursive: true, force: true });
      await make(join(runFolder, name));
    };
    await replace('README.md', (path) => symlink('/etc/passwd', path));
    await replace('curves.png', (path) => symlink(join(cluster.folder, 'secret.txt'), path));
    await replace('samples.png', (path) => execFileSync('mkfifo', [path]));
    await replace('reconstructions.png', (path) => mkdir(path));
    await mkdir(join(cluster.folder, 'outside'));
    await writeFile(join(cluster.folder, 'outside', 'epoch-0001-samples.png'), secret);
    await replace('pictures', (path) => symlink(join(cluster.folder, 'outside'), path));
    for (const name of [
      'README.md',
      'curves.png',
      'samples.png',
      'reconstructions.png',
      'pictures/epoch-0001-samples.png',
    ]) {
      expect([name, (await artefact(name)).status]).toEqual([name, 404]);
    }
    const listed = JSON.parse((await cluster.ask(`/api/v1/runs/${runId}/artefacts`)).body);
    const names = listed.artefacts.map(({ name }: { name: string }) => name);
    expect(names).toContain('model.safetensors');
    for (const name of ['README.md', 'curves.png', 'samples.png', 'secret.txt']) expect(names).not.toContain(name);
    // The folder of a run may itself be a link.
    await symlink(cluster.folder, join(cluster.runs, 'a-linked-run'));
    expect((await cluster.ask('/api/v1/runs/a-linked-run/artefacts/spec.yaml')).status).toBe(404);
  });

  it('refuses bodies that are too large, no JSON, or not what they should be', async () => {
    const post = (body: string | Uint8Array, type = 'application/json') =>
      cluster.ask('/api/v1/runs', { method: 'POST', body, headers: { 'content-type': type } });
    const large = await post(' '.repeat(2 ** 20));
    expect([large.status, large.body]).toEqual([413, expect.stringContaining('256 KiB')]);
    expect([400, 415]).toContain((await post('{}', 'text/plain')).status);
    const form = await post('{}', 'multipart/form-data; boundary=x');
    expect([form.status, form.body]).toEqual([415, expect.stringContaining('Content-Type: application/json')]);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '\xff\xfe',
      deep,
      `{"spec":${deep}}`,
      '{"spec":{}}',
      '{"__proto__":{}}',
    ];
    for (const body of bodies) expect([body.slice(0, 20), (await post(body)).status]).toEqual([body.slice(0, 20), 400]);
    expect((await post('{"spec":{"dataset":{"name":"mnist","__proto__":{"validation":1}}}}')).status).toBe(400);
  });

  it('refuses a spec that no machine holds with the numbers, and takes none that names a path', async () => {
    const submit = (changed: object) => cluster.post('/api/v1/runs', { spec: { ...spec, ...changed } });
    const wide = await submit({ model: { encoder: { hidden: [65_536, 65_536] }, likelihood: { kind: 'gaussian' } } });
    expect(wide.status).toBe(422);
    expect(JSON.parse(wide.body).message).toMatch(/\d+ parameters .* \d+ MiB/);
    for (const changed of [
      { dataset: { name: '../../etc/passwd' } },
      { dataset: { name: 'x'.repeat(100_000) } },
      { name: '../../escaped' },
      { seed: -1 },
      { model: { encoder: { hidden: Array(33).fill(1) } } },
      { training: { epochs: 1e99 } },
      { surprise: true },
    ]) {
      expect((await submit(changed)).status).toBe(400);
    }
    expect((await submit({ dataset: { name: 'not-there' } })).status).toBe(422);
    expect((await readdir(cluster.folder)).sort()).toEqual(['cache', 'outside', 'runs', 'secret.txt']);
  });

  it('refuses queries and places of events that are none', async () => {
    for (const query of [
      'metrics?points=1e9',
      'metrics?points=-1',
      'metrics?points=a',
      'latent?limit=99999',
      'metrics?points=',
      'metrics?points=0x10',
      'metrics?points=5&points=5',
      'decode.png?x=NaN&y=0',
      'decode.png?x=&y=',
      'decode.png?x=0&y=%20',
      'examples/.png',
      'examples/%20.png',
      'pictures/0x1/samples.png',
    ]) {
      expect([query, (await cluster.ask(`/api/v1/runs/${runId}/${query}`)).status]).toEqual([query, 400]);
    }
    for (const id of ['../x', "1-0'; DROP", 'x'.repeat(1000), '-', '%00']) {
      const { status } = await cluster.ask(`/api/v1/runs/${runId}/events`, { headers: { 'last-event-id': id } });
      expect([id, status === 400 || status === 200]).toEqual([id, true]);
    }
  });

  it('thinks nothing of clients that go away before they are heard', async () => {
    const body = JSON.stringify({ token: 'of nobody' });
    const login = `POST /api/v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    for (const text of ['GET /api/v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n', login + body]) {
      for (let i = 0; i < 50; i++) {
        const socket = connect(Number(cluster.address.port), cluster.address.hostname);
        await once(socket, 'connect');
        socket.write(text, () => socket.resetAndDestroy());
        await once(socket, 'close');
      }
    }
    expect((await cluster.ask('/healthz', { as: null })).status).toBe(200);
  });

  it('takes a few wrong tokens at its login and then none for a while', async () => {
    const login = (token: string) => cluster.post('/api/v1/session', { token }, { as: null });
    const statuses: number[] = [];
    for (let i = 0; i < 15; i++) statuses.push((await login(`a guess number ${i} of many`)).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    // Those who have it already are not shut out.
    expect((await cluster.ask('/api/v1/runs')).status).toBe(200);
  });

  it('has written its tokens nowhere: no output, no run folder, no answer', async () => {
    expect(cluster.output.length).toBeGreaterThan(500);
    const texts = [cluster.output];
    for (const name of ['run.json', 'spec.yaml', 'metrics.ndjson'])
      texts.push(await readFile(join(runFolder, name), 'utf8'));
    for (const path of ['/openapi.json', '/metrics', `/api/v1/runs/${runId}`, '/api/v1/workers', '/api/v1/session']) {
      texts.push((await cluster.ask(path)).body);
    }
    for (const text of texts) for (const token of Object.values(cluster.tokens)) expect(text).not.toContain(token);
  });

  it('has ended connections that spoke slowly all the while', async () => {
    const ended = slow.map((socket) => socket.closed || once(socket, 'close', { signal: AbortSignal.timeout(10_000) }));
    await Promise.all(ended);
  });

  it('still answers after all of it, and logged no fault of its own', async () => {
    expect((await cluster.ask('/healthz', { as: null })).status).toBe(200);
    expect(cluster.output).not.toContain('a request failed');
  });
});
