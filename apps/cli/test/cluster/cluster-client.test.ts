import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterClient } from '@elbo/cli/cluster/cluster-client';
import { downloadRun } from '@elbo/cli/cluster/download-run';
import { findRun } from '@elbo/cli/cluster/find-run';
import { request } from '@elbo/cli/cluster/request';
import { ClusterError, UsageError } from '@elbo/cli/errors';
import type { RunSummary } from '@elbo/protocol/cluster';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../tests/support/free-port.js';
import { runSummary } from './run-summary.js';
import { type Answer, json, problem, type ScriptedServer, startScriptedServer, text } from './scripted-server.js';

const servers: ScriptedServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const token = 'a token that only this test knows';
async function serve(answers: Record<string, Answer>): Promise<ScriptedServer> {
  const server = await startScriptedServer(answers);
  servers.push(server);
  return server;
}
const connect = async (answers: Record<string, Answer>) =>
  ClusterClient.connect({ server: (await serve(answers)).url, token });

async function errorOf(work: Promise<unknown>): Promise<ClusterError> {
  const error = await work.then(
    () => new Error('it was taken'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ClusterError) return error;
  throw error;
}

describe('the client of a cluster', () => {
  it('says what to do when nothing listens', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    const { code, message } = await errorOf(ClusterClient.connect({ server, token }));
    expect(code).toBe('unreachable');
    expect(message).toMatch(/ECONNREFUSED.*start `elbo coordinator`.*--server/);
    expect(message).not.toContain(token);
  });

  it('says that no answer came, where its caller would wait for ever', async () => {
    const { url: server } = await serve({ silent: () => {} });
    const { signal } = new AbortController();
    const { code, message } = await errorOf(request({ server, token }, 'silent', { signal, answerWithinMs: 20 }));
    expect(code).toBe('unreachable');
    expect(message).toContain('no answer in time');
  });

  it.each<[string, Answer, string, RegExp]>([
    [
      'a token that is not known',
      problem(401, 'bad-token', 'who is that?'),
      'unauthorized',
      /who is that\?.*ELBO_TOKEN/,
    ],
    [
      'a token that may only read',
      problem(403, 'read-only', 'full access only'),
      'forbidden',
      /may only look.*full access/,
    ],
    ['a server of something else', text('<h1>Not found</h1>', 404), 'bad-answer', /port 7351/],
    [
      'another version',
      json({ access: 'full', version: '0.0.1', and: 'more' }),
      'version-mismatch',
      /0\.0\.1.*same version/,
    ],
    ['no JSON', text('welcome'), 'bad-answer', /no JSON/],
    ['another shape', json({ access: 'full' }), 'bad-answer', /version/],
    ['an error of its own', text('oops', 502), 'bad-answer', /status 502/],
    ['a refusal', problem(409, 'run-over', 'it is completed'), 'refused', /run-over.*it is completed/],
    [
      'somewhere else to go',
      (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'unreachable',
      /redirect/,
    ],
  ])('names %s', async (_name, answer, code, message) => {
    const error = await errorOf(connect({ session: answer }));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it('sends the token as a bearer, and no colours of a stranger to the screen', async () => {
    const server = await serve({ session: problem(401, 'no', 'see \u001b[31mred') });
    const error = await errorOf(ClusterClient.connect({ server: server.url, token }));
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${token}`);
    expect(error.message).not.toContain('\u001b');
  });

  it('reads no more of an answer than any could have', async () => {
    let sent = 0;
    const endless: Answer = (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      // A write to a client that has gone fails at once, and would be tried for ever.
      const more = (error?: Error | null): void => {
        sent += chunk.length;
        if (!error && !response.destroyed && response.socket !== null) response.write(chunk, more);
      };
      more();
    };
    const client = await connect({ runs: endless });
    expect(await errorOf(client.runs())).toMatchObject({
      code: 'bad-answer',
      message: expect.stringMatching(/longer than/),
    });
    expect(sent).toBeLessThan(256 * 1024 * 1024);
  });
});

describe('naming a run', () => {
  const of = (...ids: string[]): Promise<ClusterClient> =>
    connect({ runs: json({ runs: ids.map((runId): RunSummary => runSummary({ runId })) }) });

  it.each([
    ['latest', 'faces-99999999'],
    ['mnist-1a2b3c4d', 'mnist-1a2b3c4d'],
    ['mnist-1a2b3', 'mnist-1a2b3c4d'],
    ['1a2b3', 'mnist-1a2b3c4d'],
    ['f', 'faces-99999999'],
    ['1a2b', 'mnist-1a2b'],
  ])('by %s finds %s', async (wanted, found) => {
    const client = await of('faces-99999999', 'mnist-1a2b3c4d', 'mnist-1a2bffff', 'mnist-1a2b');
    if (wanted === '1a2b') await expect(findRun(client, wanted)).rejects.toThrow(/may mean 3 runs/);
    else expect((await findRun(client, wanted)).runId).toBe(found);
  });

  it('by an id that begins others finds the one', async () => {
    expect((await findRun(await of('mnist-1a2b3c4d', 'mnist-1a2b'), 'mnist-1a2b')).runId).toBe('mnist-1a2b');
  });

  it('that there is not says so', async () => {
    await expect(findRun(await of('mnist-1a2b3c4d'), 'faces')).rejects.toThrow(/no run 'faces'.*elbo runs/);
    await expect(findRun(await of(), 'latest')).rejects.toThrow(UsageError);
  });
});

describe('downloading a run', () => {
  const names = (...files: [string, number][]): Answer =>
    json({ artefacts: files.map(([name, bytes]) => ({ name, bytes, contentType: 'text/plain' })) });
  const withFolder = async (test: (folder: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'elbo-download-'));
    await test(folder).finally(() => rm(folder, { recursive: true }));
  };
  const download = async (folder: string, answers: Record<string, Answer>): Promise<void> =>
    downloadRun(await connect(answers), 'run-1', folder, new AbortController().signal, () => {});

  it.each(['../escaped', '/etc/marker', 'a/../../b', '.hidden', 'a\\b', 'a//b'])('refuses a file called %s', (name) =>
    withFolder(async (folder) => {
      const error = await errorOf(download(folder, { 'runs/run-1/artefacts': names(['ok', 2], [name, 2]) }));
      expect(error.code).toBe('bad-answer');
      expect(await readdir(folder)).toEqual([]);
    }),
  );

  it('leaves no half of a file behind', () =>
    withFolder(async (folder) => {
      const broken: Answer = (_request, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('half', () => response.destroy());
      };
      const answers = { 'runs/run-1/artefacts': names(['a', 5], ['b', 9]), 'runs/run-1/artefacts/a': text('whole') };
      const error = await errorOf(download(folder, { ...answers, 'runs/run-1/artefacts/b': broken }));
      expect(error.code).toBe('unreachable');
      expect(await readdir(folder)).toEqual(['a']);
    }));

  it('writes into no folder that has something in it', () =>
    withFolder(async (folder) => {
      const answers = { 'runs/run-1/artefacts': names(['a', 5]), 'runs/run-1/artefacts/a': text('whole') };
      await download(folder, answers);
      await expect(download(folder, answers)).rejects.toThrow(/is not empty/);
    }));
});
