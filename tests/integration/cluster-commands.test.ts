import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunSummary, runDetailSchema, runSummarySchema, workerReportSchema } from '@elbo/protocol/cluster';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElboProcess, temporaryFolder, train } from '../support/elbo.js';
import { type CommandResult, ElboCommand } from '../support/elbo-command.js';
import { freePort } from '../support/free-port.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

const token = 'the-full-token-of-this-test';
const readToken = 'the-read-token-of-this-test';
const tiny = ['gaussian-mixture', '--limit', '1000', '--hidden', '8'];
const long = [...tiny, '--epochs', '100000'];

describe.skipIf(!redisForTests)('the commands of a cluster, with a coordinator and a worker', () => {
  let redis: TestRedis;
  let folder: { readonly path: string; remove(): Promise<void> };
  let server: string;
  let startCoordinator: () => Promise<ElboCommand>;
  let coordinator: ElboCommand;
  let worker: ElboCommand;
  const env = (): NodeJS.ProcessEnv => ({ ELBO_SERVER: server, ELBO_TOKEN: token });

  beforeAll(async () => {
    redis = await startTestRedis();
    folder = await temporaryFolder();
    const [listen, api] = [await freePort(), await freePort()];
    server = `http://127.0.0.1:${api}`;
    const access = ['--redis', redis.url, '--prefix', redis.freshPrefix()];
    const addresses = ['--listen', `127.0.0.1:${listen}`, '--api', `127.0.0.1:${api}`];
    startCoordinator = async () => {
      const args = ['coordinator', ...access, ...addresses, '--runs', join(folder.path, 'runs'), '--json'];
      const started = new ElboCommand(args, { ELBO_TOKEN: token, ELBO_READ_TOKEN: readToken });
      await answering(server, started);
      return started;
    };
    coordinator = await startCoordinator();
    worker = new ElboCommand(['worker', ...access, '--threads', '1', '--id', 'worker-1'], { ELBO_TOKEN: token });
  });
  afterAll(async () => {
    await Promise.all([worker?.stop('SIGKILL'), coordinator?.stop('SIGKILL')]);
    await folder?.remove();
    await redis?.stop();
  });

  const elbo = (args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<CommandResult> =>
    new ElboCommand(args, { ...env(), ...more }).result;
  /** Standard output of a command that ends well. */
  async function said(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await elbo(args);
    expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
    return stdout.trimEnd();
  }
  const newest = async (): Promise<RunSummary> => {
    const [line = ''] = (await said('runs', '--json')).split('\n');
    return runSummarySchema.parse(JSON.parse(line));
  };
  /** Submits a run and waits for its first epoch. */
  async function running(): Promise<string> {
    const runId = await said('submit', ...long);
    const watcher = new ElboProcess(['watch', runId], env());
    await watcher.event(({ event }) => event === 'epoch');
    watcher.child.kill('SIGKILL');
    await watcher.result.catch(() => {}); // half a line may be left
    return runId;
  }
  /** Resolves with the run in that state. */
  async function inState(runId: string, state: RunSummary['state']): Promise<RunSummary> {
    for (;;) {
      const run = runDetailSchema.parse(JSON.parse(await said('runs', 'show', runId, '--json')));
      if (run.state === state) return run;
    }
  }

  it('submit --watch shows a run to its end, which has the bits of the embedded run', async () => {
    const watching = await new ElboProcess(['submit', ...tiny, '--epochs', '2', '--watch'], env()).result;
    expect(watching).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('elbo download') });
    expect(watching.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['run-started', 'step', 'epoch']));
    const embedded = await train([...tiny, '--epochs', '2', '--threads', '1']);
    expect(watching.finished?.parametersSha256).toBe(embedded.finished?.parametersSha256);
    expect(await newest()).toMatchObject({ state: 'completed', parametersSha256: watching.finished?.parametersSha256 });
  });

  it('runs, watch, logs and download tell of a run that is over', async () => {
    const { runId, parametersSha256 } = await newest();
    expect(await said('runs')).toMatch(new RegExp(`^run .*\\n${runId} +completed +2/2 `));
    expect(await said('runs', 'list', '--state', 'failed')).toBe('no run is failed');
    expect(await said('runs', 'show', 'latest')).toMatch(
      /^state +completed$[\s\S]*^parameters sha256 +[0-9a-f]{64}$[\s\S]*latentDim: 2/m,
    );

    const watched = await said('watch', runId.slice(-8));
    expect(watched).toContain('epoch 2/2');
    expect(watched).toContain(`parameters sha256 ${parametersSha256}`);

    const log = (await said('logs', 'latest')).split('\n');
    expect(log[0]).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z info +${runId} `));
    expect(log.at(-1)).toContain('done after step');
    const events = (await said('logs', 'latest', '--json'))
      .split('\n')
      .map((line) => runEventSchema.parse(JSON.parse(line)));
    expect(events).toHaveLength(log.length);

    const copy = join(folder.path, 'copy');
    await said('download', 'latest', '--out', copy);
    const original = join(folder.path, 'runs', runId);
    const names = (await readdir(copy, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
    expect(names.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['model.safetensors', 'metrics.ndjson', 'spec.yaml']),
    );
    for (const { name, parentPath } of names) {
      const path = join(parentPath, name);
      expect((await readFile(path)).equals(await readFile(path.replace(copy, original))), path).toBe(true);
    }
    const evaluated = JSON.parse(await said('evaluate', copy, '--json'));
    expect(evaluated.model.runId).toBe(runId);
  });

  it('workers names the worker, and what it has done', async () => {
    const [line = '', ...others] = (await said('workers', '--json')).split('\n');
    expect(others).toEqual([]);
    expect(workerReportSchema.parse(JSON.parse(line))).toMatchObject({
      workerId: 'worker-1',
      threads: 1,
      shardsFailed: 0,
    });
    expect(await said('workers')).toMatch(/^worker .*\nworker-1 /);
  });

  it('pause, resume and cancel move a run from state to state, and a watcher is told', async () => {
    const runId = await running();
    const watcher = new ElboCommand(['watch', runId], env());
    await watcher.prints('epoch');
    expect(await said('pause', runId)).toContain(runId);
    const { step } = await inState(runId, 'paused');
    await watcher.prints(`is paused after step`);
    expect(await said('resume', runId, '--server', server)).toContain(runId);
    await inState(runId, 'running');
    expect(await said('cancel', runId)).toContain(runId);
    const cancelled = await inState(runId, 'cancelled');
    expect(cancelled.step).toBeGreaterThanOrEqual(step);
    expect(await watcher.result).toMatchObject({ code: 1, stdout: expect.stringContaining('is cancelled') });
    const again = await elbo(['resume', runId]);
    expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 1, stdout: '' });
    expect(again.stderr).toContain(runId);
  });

  it('Ctrl-C ends the watching, not the run', async () => {
    const runId = await running();
    const watcher = new ElboCommand(['watch', 'latest'], env());
    await watcher.prints('epoch');
    watcher.child.kill('SIGINT');
    const { code, stderr } = await watcher.result;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('the run goes on') });
    expect((await newest()).state).toBe('running');
    await said('cancel', runId);
    await inState(runId, 'cancelled');
  });

  it('a watcher outlives a coordinator that is killed, and misses nothing between', async () => {
    const watching = new ElboProcess(['submit', ...tiny, '--epochs', '60', '--watch'], env());
    await watching.event(({ event }) => event === 'epoch');
    await coordinator.stop('SIGKILL');
    coordinator = await startCoordinator();
    const { exitCode, events, stderr } = await watching.result;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('the connection is back') });
    const epochs = events.flatMap((each: RunEvent) => (each.event === 'epoch' ? [each.epoch] : []));
    // The second coordinator goes on from a snapshot: what the first had done after it comes once more.
    expect([...new Set(epochs)]).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  }, 120_000);

  it('says what to do about a token that is wrong, or may only look', async () => {
    const wrong = await elbo(['runs'], { ELBO_TOKEN: 'a-token-of-another-cluster' });
    expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('set ELBO_TOKEN') });
    const looking = { ELBO_TOKEN: readToken };
    expect((await elbo(['runs'], looking)).code).toBe(0);
    expect(await elbo(['submit', ...tiny], looking)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('may only look'),
    });
    const unknown = await elbo(['submit', 'mnits']);
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('mnits') });
  });
});

/** Resolves when the API answers; rejects when the process ends first. */
async function answering(server: string, { result }: ElboCommand): Promise<void> {
  let ended = false;
  void result.then(() => (ended = true));
  for (;;) {
    const answered = await fetch(`${server}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
    if (ended) throw new Error(`the coordinator ended: ${(await result).stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
