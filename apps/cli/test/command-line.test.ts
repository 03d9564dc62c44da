import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { runEventSchema } from '@elbo/protocol/events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const elbo = fileURLToPath(new URL('../bin/elbo.mjs', import.meta.url));
let root = '';
let cache = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'elbo-cli-'));
  cache = await mkdtemp(join(tmpdir(), 'elbo-cache-'));
});
afterEach(() => Promise.all([root, cache].map((folder) => rm(folder, { recursive: true }))));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a process of its own; `watch` sees standard output grow, and may kill it. */
function run(
  args: readonly string[],
  watch: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Ended> {
  const { REDIS_URL: _url, ELBO_TOKEN: _token, ELBO_SERVER: _server, ...environment } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [elbo, ...args], {
      cwd: root,
      env: { ...environment, ELBO_CACHE: cache, NO_COLOR: '1' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      watch(stdout, (signal) => child.kill(signal));
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const tinyRun = ['train', 'gaussian-mixture', '--limit', '1000', '--hidden', '8', '--threads', '1'];

describe('elbo', () => {
  it('explains itself, with examples and exit codes', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const part of ['train', 'coordinator', 'worker', 'doctor', 'datasets', '$ elbo train mnist', '130']) {
      expect(stdout).toContain(part);
    }
    const train = await run(['train', '--help']);
    expect(train.stdout).toContain('--latent-dim <n>');
    expect(train.code).toBe(0);
  });

  it.each(['evaluate', 'encode', 'score', 'reconstruct', 'interpolate'])(
    'says of %s which split it takes where there is no test split',
    async (command) => {
      const { stdout } = await run([command, '--help']);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain('(test, and train where there is none)');
    },
  );

  it('tells its version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.each<[string, string[], RegExp]>([
    ['a command that is none', ['trian'], /Did you mean train/],
    ['a flag that is none', ['train', 'mnist', '--epoch', '3'], /Did you mean --epochs/],
    ['no data set', ['train'], /missing required argument/],
    ['a data set that is none', ['train', 'mnits'], /mnits.*Known: mnist/s],
    ['a file that is not there', ['train', 'mine.yaml'], /no file mine\.yaml/],
    ['a value out of range', ['train', 'mnist', '--epochs', '0'], /--epochs: 0 is not allowed/],
    ['workers without a queue', ['train', 'mnist', '--workers', '2'], /need --redis/],
    ['a data set where a Redis belongs', ['train', '--redis', 'mnist'], /redis:\/\/host:6379/],
    ['an empty run folder', ['train', 'gaussian-mixture', '--out', ''], /--out .* '' is invalid\. It must be a folder/],
    ['an empty folder to fetch into', ['download', 'latest', '--out', ''], /'' is invalid\. It must be a folder/],
    ['an empty folder of runs', ['coordinator', '--runs', ''], /--runs .* '' is invalid\. It must be a folder/],
    ['an empty prefix of a worker', ['worker', '--prefix', ''], /--prefix .* '' is invalid\. It must not be empty/],
    ['an empty prefix of a coordinator', ['coordinator', '--prefix', ''], /'' is invalid\. It must not be empty/],
    ['a cluster without a Redis', ['worker'], /which Redis\?/],
    ['a run without show', ['runs', 'mnist-1a2b'], /`elbo runs show mnist-1a2b` describes a run/],
    ['a data set without show', ['datasets', 'mnist'], /`elbo datasets show mnist` describes a data set/],
    ['a cluster to ask without a token', ['runs'], /127\.0\.0\.1:7351 wants to know who asks: set ELBO_TOKEN/],
    ['an address of no cluster', ['workers', '--server', 'redis://127.0.0.1:6379'], /must look like http:/],
    ['a token in the address', ['workers', '--server', 'http://me:secret@127.0.0.1:7351'], /goes into ELBO_TOKEN/],
    ['a spec that does not hold for a cluster', ['submit', 'mnist', '--epochs', '0'], /--epochs: 0 is not allowed/],
    [
      'a folder where a run of a cluster belongs',
      ['resume', 'runs/a', '--server', 'http://127.0.0.1:1'],
      /runs of a cluster/,
    ],
    [
      'threads for a run of a cluster',
      ['resume', 'a', '--threads', '2', '--server', 'http://127.0.0.1:1'],
      /--threads is for/,
    ],
    ['a token that no header carries', ['runs', '--token', 'mit Umlaut, größer'], /cannot be one.*without spaces/],
    ['a cluster without a secret', ['worker', '--redis', 'redis://127.0.0.1:1'], /ELBO_TOKEN/],
  ])('ends with 2 and says why for %s', async (_name, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await readdir(root)).toEqual([]);
  });

  it('names a spec file as it was typed, the field and its line', async () => {
    await mkdir(join(root, 'specs'));
    await writeFile(join(root, 'specs', 'mine.yaml'), 'dataset: { name: mnist }\nmodel:\n  latentdim: 3\n');
    const { code, stderr } = await run(['train', 'specs/mine.yaml']);
    expect(stderr).toContain('the run spec of specs/mine.yaml does not hold');
    expect(stderr).toContain('model.latentdim (line 3) is not a field of a run spec; did you mean model.latentDim?');
    expect(code).toBe(2);
  });

  it('refuses a spec file that is larger than any spec', async () => {
    await writeFile(join(root, 'mine.json'), ' '.repeat(1024 * 1024 + 1));
    expect(await run(['train', 'mine.json'])).toMatchObject({ code: 2, stderr: expect.stringContaining('64 KiB') });
  });

  it.skipIf(process.platform !== 'linux')('fails with 1 and one line when standard output is full', async () => {
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [elbo, 'datasets', '--json'], { stdio: ['ignore', full.fd, 'pipe'] });
    const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
    await full.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^elbo: standard output .*ENOSPC.*\n$/),
    });
  });

  it('lists and describes data sets', async () => {
    const list = await run(['datasets', '--json']);
    const names = list.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).name);
    expect(names).toEqual(expect.arrayContaining(['mnist', 'gaussian-mixture', 'probabilistic-pca']));
    expect((await run(['datasets', 'show', 'mnist'])).stdout).toContain('60,000');
  });
});

describe('elbo datasets import', () => {
  it('packs a file under a name that can be shown, and refuses flags of another kind', async () => {
    await writeFile(join(root, 'points.csv'), '1,2\n3,4\n5,6\n7,8\n');
    const imported = await run(['datasets', 'import', 'points', 'points.csv', '--test-fraction', '0.25', '--json']);
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(imported.stdout)).toMatchObject({
      name: 'points',
      trainExamples: 3,
      testExamples: 1,
      exampleShape: [2],
    });
    expect((await run(['datasets'])).stdout).toMatch(/^points +3 \+ 1 /m);
    const wrong = await run(['datasets', 'import', 'other', 'points.csv', '--labels', 'labels.idx']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--labels is for idx') });
  });

  it.each<[string, string[], number, RegExp]>([
    ['a column before the first', ['--label-column', '0'], 2, /^elbo: --label-column: columns are counted from 1\n$/],
    ['two characters between columns', ['--delimiter', ';;'], 2, /^elbo: --delimiter: it must be one character\n$/],
    ['names of columns among the numbers', [], 1, /line 1, column 1: "x" is not a number\. .*--header/],
  ])('says which flag mends %s', async (_name, flags, code, message) => {
    await writeFile(join(root, 'points.csv'), 'x,y\n1,2\n');
    const ended = await run(['datasets', 'import', 'points', 'points.csv', ...flags]);
    expect(ended).toEqual({ code, stdout: '', stderr: expect.stringMatching(message) });
  });
});

describe('elbo doctor', () => {
  it('names what is missing with its mend, and ends with 1 when training cannot work', async () => {
    await rm(cache, { recursive: true });
    await writeFile(cache, 'not a folder');
    const { code, stdout } = await run(['doctor', '--json']);
    const checks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(checks.find((check) => check.name === 'data set cache')).toMatchObject({
      status: 'failed',
      mend: expect.stringContaining('ELBO_CACHE'),
    });
    expect(checks.find((check) => check.name === 'engine compiled')).toMatchObject({ status: 'ok' });
    expect(checks.map((check) => check.name)).toEqual(
      expect.arrayContaining(['Node', 'memory', 'threads', 'disk', 'Redis']),
    );
    for (const check of checks) if (check.status !== 'ok') expect(check.mend).toMatch(/\w/);
    expect(code).toBe(1);
  });
});

describe('elbo resume', () => {
  it('tells a run from a copy of its folder', async () => {
    const file = { version: 1, runId: 'mine-1a2b3c4d', specSha256: '0'.repeat(64), datasetSha256: '0'.repeat(64) };
    for (const name of ['mine-1a2b3c4d', 'backup', 'backup-2']) {
      await mkdir(join(root, 'runs', name), { recursive: true });
      const state = name === 'backup' ? 'completed' : 'unfinished';
      await writeFile(join(root, 'runs', name, 'run.json'), JSON.stringify({ ...file, state, conductor: null }));
    }
    const mayMean = "elbo: 'mine' may mean runs/backup-2 or runs/mine-1a2b3c4d: give the one that is meant\n";
    expect(await run(['resume', 'mine'])).toEqual({ code: 2, stdout: '', stderr: mayMean });
    expect((await run(['resume', 'mine-1a2b3c4d'])).stderr).toContain('no file');
    const { stderr } = await run(['resume', 'latest']);
    expect(stderr).toMatch(/no unfinished run of this machine .*'latest'.*mine-1a2b3c4d.*--server/);
  });
});

describe('elbo train', () => {
  it('leaves a run folder whose spec gives the same parameters again', async () => {
    const first = await run([...tinyRun, '--epochs', '2', '--out', 'first']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const second = await run(['train', join('first', 'spec.yaml'), '--out', 'second', '--json', '--threads', '2']);
    expect(second.code).toBe(0);
    const events = second.stdout
      .trimEnd()
      .split('\n')
      .map((line) => runEventSchema.parse(JSON.parse(line)));
    const last = events.at(-1);
    expect(last).toMatchObject({ event: 'run-finished', outcome: 'completed', runFolder: join(root, 'second') });
    expect(first.stdout).toContain(last?.event === 'run-finished' ? last.parametersSha256 : 'no end');
    const [one, two] = await Promise.all(
      ['first', 'second'].map((name) => readFile(join(root, name, 'spec.yaml'), 'utf8')),
    );
    expect(one?.split('\n').slice(2)).toEqual(two?.split('\n').slice(2));
  });

  it('saves and ends with 130 when it is interrupted', async () => {
    let asked = false;
    const { code, stdout, stderr } = await run(
      [...tinyRun, '--epochs', '100000', '--out', 'run', '--json'],
      (seen, kill) => {
        if (asked || !seen.includes('"event":"epoch"')) return;
        asked = true;
        kill('SIGINT');
      },
    );
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('stopping after this step') });
    expect(stdout).toContain('"outcome":"interrupted"');
    expect((await readdir(join(root, 'run'))).sort()).toContain('model.safetensors');
    expect(await readFile(join(root, 'run', 'README.md'), 'utf8')).toContain('interrupted after');
  });

  it('fails with 1 when the run folder is in use', async () => {
    await writeFile(join(root, 'mine'), '');
    expect(await run([...tinyRun, '--out', '.'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not empty'),
    });
  });
});
