import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LocalRunDirectory } from '@elbo/cli/local-runs/local-run-directory';
import { runDetailSchema, runSummarySchema } from '@elbo/protocol/cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElboProcess, temporaryFolder } from '../support/elbo.js';
import { EventStream } from '../support/event-stream.js';

const bin = fileURLToPath(new URL('../../apps/cli/bin/elbo.mjs', import.meta.url));
const spec = [
  'gaussian-mixture',
  '--likelihood',
  'gaussian',
  '--hidden',
  '8',
  '--latent-dim',
  '2',
  '--threads',
  '1',
  '--limit',
  '1000',
];

describe('elbo dashboard', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let runs: string;
  let dashboard: ReturnType<typeof spawn>;
  let url: string;
  let cookie: string;
  const printed: string[] = [];
  beforeAll(async () => {
    folder = await temporaryFolder();
    runs = join(folder.path, 'runs');
    const args = [bin, 'dashboard', '--runs', runs, '--port', '0'];
    dashboard = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    dashboard.stderr?.on('data', (text) => printed.push(String(text)));
    const [link] = (await once(createInterface({ input: dashboard.stdout! }), 'line')) as [string];
    const [, address = '', token = ''] = /^(http:\/\/127\.0\.0\.1:\d+)\/#token=([\w-]{43})$/.exec(link) ?? [];
    url = address;
    const session = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ token }),
    });
    expect(await session.json()).toMatchObject({ access: 'read', cluster: false });
    cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  });
  afterAll(async () => {
    dashboard?.kill('SIGKILL');
    await folder?.remove();
  });
  const get = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, { headers: { cookie }, ...init });
  const list = async () => {
    const { runs: found } = (await (await get('/api/v1/runs')).json()) as { runs: unknown[] };
    return found.map((run) => runSummarySchema.parse(run));
  };

  it('follows a run that is being trained, and shows all of it when it is over', async () => {
    expect(await list()).toEqual([]);
    expect(printed.join('')).toMatch(/there is no folder .*runs yet/);
    const cluster = await EventStream.open((init) => get('/api/v1/events', init));
    const train = new ElboProcess(['train', ...spec, '--epochs', '4', '--out', join(runs, 'first')]);
    const started = await train.event(({ event }) => event === 'run-started');
    await cluster.until((events) => events.some(({ data }) => data.includes('"state":"running"')));
    cluster.close();
    const { runId } = started;
    const stream = await EventStream.open((init) => get(`/api/v1/runs/${runId}/events?from=start`, init));
    const { finished } = await train.result;
    await stream.until((events) => events.some(({ data }) => data.includes('"state":"completed"')));
    const epochs = stream.events.flatMap(({ event, data }) => (event === 'epoch' ? [JSON.parse(data).epoch] : []));
    expect(epochs).toEqual(Array.from({ length: 4 }, (_, i) => i + 1));
    const last = stream.events.filter(({ id }) => id !== undefined && id !== '').at(-1);
    stream.close();

    const run = runDetailSchema.parse(await (await get(`/api/v1/runs/${runId}`)).json());
    expect(run).toMatchObject({
      ...{ runId, state: 'completed', epoch: 4, epochs: 4, step: finished?.step, totalSteps: finished?.step },
      ...{ dataset: 'gaussian-mixture', parametersSha256: finished?.parametersSha256 },
    });
    expect(run.elboHistory).toHaveLength(4);
    const again = await EventStream.open((init) => get(`/api/v1/runs/${runId}/events?after=${last?.id}`, init));
    expect((await again.until((events) => events.length > 0)).map(({ event }) => event)).toEqual(['state']);
    again.close();
    for (const path of ['metrics', 'artefacts', 'artefacts/model.safetensors', 'latent?limit=10', 'pictures']) {
      expect([path, (await get(`/api/v1/runs/${runId}/${path}`)).status]).toEqual([path, 200]);
    }
  });

  it('changes nothing, and lets nobody else in', async () => {
    const [run] = await list();
    for (const path of ['/api/v1/runs', `/api/v1/runs/${run?.runId}/cancel`]) {
      expect((await get(path, { method: 'POST', headers: { cookie, origin: url } })).status).toBe(403);
    }
    expect((await fetch(`${url}/api/v1/runs`)).status).toBe(401);
  });

  it('says what became of a run that stopped, failed, or went back', async () => {
    const directory = new LocalRunDirectory(runs);
    const [completed] = await directory.list();
    const copy = async (name: string, change: (runFile: Record<string, unknown>) => object) => {
      await cp(join(runs, 'first'), join(runs, name), { recursive: true });
      const path = join(runs, name, 'run.json');
      const runFile = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      await writeFile(path, JSON.stringify({ ...runFile, runId: `copy-${name}`, ...change(runFile) }));
      return join(runs, name, 'metrics.ndjson');
    };
    const metrics = await copy('interrupted', () => ({ state: 'unfinished', conductor: null }));
    const failed = await copy('failed', () => ({ state: 'unfinished', conductor: null }));
    const failure = { event: 'run-failed', runId: 'copy-failed', time: Date.now(), code: 'NON_FINITE', message: 'why' };
    await appendFile(failed, `${JSON.stringify(failure)}\n`);
    const stateOf = async (runId: string) => (await directory.find(runId))?.state;
    expect(await stateOf('copy-interrupted')).toBe('interrupted');
    expect(await directory.find('copy-failed')).toMatchObject({
      state: 'failed',
      error: { code: 'NON_FINITE', message: 'why' },
    });
    expect(await stateOf(completed?.runId ?? '')).toBe('completed');

    const before = await directory.eventsAfter('copy-interrupted', null);
    const lines = (await readFile(metrics, 'utf8')).split('\n');
    await writeFile(`${metrics}.new`, `${lines.slice(0, 20).join('\n')}\n`);
    await rename(`${metrics}.new`, metrics);
    const after = await directory.eventsAfter('copy-interrupted', before.events.at(-1)?.id ?? '');
    expect(after.gap).toBe(true);
    expect((await directory.find('copy-interrupted'))?.step).toBeLessThan(completed?.step ?? 0);
  });

  it('passes over what is no folder of a run, and follows no link', async () => {
    const known = (await list()).length;
    await mkdir(join(runs, 'empty'));
    await mkdir(join(runs, 'damaged'));
    await writeFile(join(runs, 'damaged', 'run.json'), '{');
    await writeFile(join(runs, 'file'), '');
    await symlink(join(runs, 'first'), join(runs, 'link'));
    expect(await list()).toHaveLength(known);
  });

  it('ends when it is told to', async () => {
    dashboard.kill('SIGINT');
    const [code] = await once(dashboard, 'exit');
    expect(code).toBe(0);
  });
});
