import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedRun } from '../../apps/cli/test/recorded-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { ApiUnderTest } from '../support/served-api.js';

const runId = 'mnist-00c0ffee';
const lines = (events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const [firstStep] = recordedRun.filter((event) => event.event === 'step');
const stepsUpTo = (from: number, to: number, elbo = -100) =>
  Array.from({ length: to - from }, (_, i) => ({ ...firstStep, step: from + i + 1, elbo }));

describe.skipIf(!redisForTests)('files of runs over the HTTP API', () => {
  let redis: TestRedis;
  let api: ApiUnderTest;
  beforeAll(async () => {
    redis = await startTestRedis();
    api = await ApiUnderTest.start(redis);
  });
  afterAll(async () => {
    await api?.stop();
    await redis?.stop();
  });
  const metrics = async (run: string, points = '') => {
    const { status, body } = await api.json(`/api/v1/runs/${run}/metrics${points}`);
    expect([status, body]).toEqual([200, expect.anything()]);
    return body as unknown as { steps: Record<string, (number | null)[]>; epochs: { epoch: number }[] };
  };

  it('come whole, by name, with what a browser and a cache need', async () => {
    const folder = await api.folder(runId);
    const model = Buffer.alloc(3 * 1024 * 1024, 7);
    await writeFile(join(folder, 'model.safetensors'), model);
    await writeFile(join(folder, 'checkpoint-000000001.elbo'), 'not for people');
    await writeFile(join(folder, 'metrics.ndjson'), '');
    const { body } = await api.json(`/api/v1/runs/${runId}/artefacts`);
    expect(body).toEqual({
      artefacts: [
        { name: 'metrics.ndjson', bytes: 0, contentType: 'application/x-ndjson' },
        { name: 'model.safetensors', bytes: model.length, contentType: 'application/octet-stream' },
      ],
    });
    const path = `/api/v1/runs/${runId}/artefacts/model.safetensors`;
    const answer = await api.fetch(path);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-length': `${model.length}`,
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${runId}-model.safetensors"`,
      'x-content-type-options': 'nosniff',
    });
    expect(model.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
    const etag = answer.headers.get('etag') ?? '';
    const known = (value: string) => api.fetch(path, { headers: { 'if-none-match': value } });
    expect([(await known(etag)).status, (await known(`W/${etag}, "other"`)).status]).toEqual([304, 304]);
    const head = await api.fetch(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, `${model.length}`]);
    await writeFile(join(folder, 'model.safetensors'), 'another');
    expect((await known(etag)).status).toBe(200);
    const kept = async (path: string) => (await api.fetch(path)).headers.get('cache-control');
    expect(await kept(path)).toBe('private, no-cache');
    for (const changing of ['runs', 'nothing', `runs/${runId}/metrics`]) {
      expect(await kept(`/api/v1/${changing}`)).toBe('no-store');
    }
    const empty = await api.fetch(`/api/v1/runs/${runId}/artefacts/metrics.ndjson`);
    expect([empty.status, await empty.text()]).toEqual([200, '']);
  });

  it('are none for a run that has no folder', async () => {
    await api.conducted('no-folder-yet');
    expect((await api.json('/api/v1/runs/no-folder-yet/artefacts')).body).toEqual({ artefacts: [] });
    expect((await api.json('/api/v1/runs/no-folder-yet/pictures')).body).toEqual({ epochs: [] });
    expect((await metrics('no-folder-yet')).steps.step).toEqual([]);
    for (const what of ['metrics', 'artefacts', 'pictures']) {
      expect((await api.json(`/api/v1/runs/no-such-run/${what}`)).body.code).toBe('unknown-run');
    }
  });

  it('tell the curves of a run: a choice of its steps, and all of its epochs', async () => {
    const folder = await api.folder('curves-1');
    await writeFile(join(folder, 'metrics.ndjson'), lines(recordedRun));
    const all = await metrics('curves-1');
    expect(all.steps.step).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(all.steps.gradientNorm).toEqual(Array(100).fill(2));
    expect(all.steps.waitMs).toEqual(Array(100).fill(null));
    expect(all.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    const few = await metrics('curves-1', '?points=5');
    expect(few.steps.step).toEqual([1, 26, 51, 75, 100]);
    expect(few.steps.elbo).toHaveLength(5);
    expect(few.epochs).toHaveLength(2);
  });

  it('are read on from where they were read to, and anew when a run went back', async () => {
    const path = join(await api.folder('curves-2'), 'metrics.ndjson');
    const torn = lines(stepsUpTo(10, 11));
    await writeFile(path, lines(stepsUpTo(0, 10)) + torn.slice(0, 20));
    expect((await metrics('curves-2')).steps.step).toHaveLength(10);
    await appendFile(path, torn.slice(20) + lines(stepsUpTo(11, 20)));
    const grown = await Promise.all([metrics('curves-2'), metrics('curves-2'), metrics('curves-2', '?points=2')]);
    expect(grown.map(({ steps }) => steps.step?.length)).toEqual([20, 20, 2]);
    await writeFile(`${path}.new`, lines(stepsUpTo(0, 15)) + lines(stepsUpTo(15, 30, -50)));
    await rename(`${path}.new`, path);
    const again = (await metrics('curves-2')).steps;
    expect(again.step).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(again.elbo?.slice(15)).toEqual(Array(15).fill(-50));
  });

  it('of a long run are thinned evenly, the first and the last among them', async () => {
    const path = join(await api.folder('curves-3'), 'metrics.ndjson');
    const steps = 100_000;
    await writeFile(path, '');
    for (let from = 0; from < steps; from += 10_000) await appendFile(path, lines(stepsUpTo(from, from + 10_000)));
    const step = (await metrics('curves-3', '?points=2000')).steps.step as number[];
    expect(step).toHaveLength(2000);
    expect([step[0], step.at(-1)]).toEqual([1, steps]);
    const gaps = step.slice(1).map((each, i) => each - (step[i] as number));
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(Math.max(...gaps)).toBeLessThan((3 * steps) / 2000);
  });

  it('pass over lines that are not ours', async () => {
    const path = join(await api.folder('curves-4'), 'metrics.ndjson');
    await writeFile(path, `${lines(stepsUpTo(0, 3))}{"event":"step","step":4}\n\n{not json\n${lines(stepsUpTo(4, 6))}`);
    expect((await metrics('curves-4')).steps.step).toEqual([1, 2, 3, 5, 6]);
  });
});
