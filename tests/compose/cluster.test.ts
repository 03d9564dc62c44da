import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runSummarySchema } from '@elbo/protocol/cluster';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, train } from '../support/elbo.js';
import { freePort } from '../support/free-port.js';
import { ComposeCluster } from './compose-cluster.js';
import { prepareDocker } from './docker.js';
import { output } from './run-command.js';

const docker = await prepareDocker();
if (docker.missing) console.warn(`the compose tests are skipped: ${docker.missing}`);
afterAll(() => docker.release());

const spec = runSpecSchema.parse({
  name: 'compose',
  seed: 3,
  dataset: { name: 'mnist', limit: 10_000 },
  training: { epochs: 2, globalBatchSize: 128, shardsPerStep: 4 },
});

describe.skipIf(docker.missing !== null)('the cluster of infra/compose.yaml', () => {
  let cluster: ComposeCluster;
  beforeAll(async () => {
    cluster = new ComposeCluster(await freePort());
    await cluster.build();
    await cluster.up(2);
  });
  afterAll(() => cluster.down());

  it('runs without root, on file systems that cannot be written', async () => {
    for (const service of ['redis', 'coordinator', 'worker']) {
      expect(await cluster.inside(service, ['id', '-u']), service).not.toBe('0');
      await expect(cluster.inside(service, ['touch', '/etc/marker']), service).rejects.toThrow('Read-only file system');
    }
  });

  it('is reached from this machine only, by one port: that of the page and the API', async () => {
    const format = '{{range $port, $bindings := .NetworkSettings.Ports}}{{range $bindings}}{{.HostIp}} {{end}}{{end}}';
    const ids = (await Promise.all(['redis', 'coordinator', 'worker'].map((each) => cluster.containers(each)))).flat();
    const addresses = await output('docker', ['inspect', '--format', format, ...ids], { seconds: 20 });
    expect(addresses.split(/\s+/).filter(Boolean)).toEqual(['127.0.0.1']);
  });

  it('keeps its secrets out of the lists of processes', async () => {
    const secret = await cluster.inside('redis', ['sh', '-c', 'printf %s "$REDIS_PASSWORD"']);
    const commands = await cluster.inside('redis', ['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "']);
    expect(commands).toContain('redis-server');
    expect(commands).not.toContain(secret);
  });

  it('shows the page to anybody, metrics to those who may look, and takes runs of those with full access', async () => {
    const get = (path: string, token?: string, method = 'GET') =>
      fetch(`${cluster.url}${path}`, { method, ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}) });
    const page = await get('/');
    expect({ status: page.status, isPage: (await page.text()).includes('<script type="module"') }).toEqual({
      status: 200,
      isPage: true,
    });
    expect((await get('/metrics')).status).toBe(401);
    const metrics = await get('/metrics', cluster.readToken);
    expect({ status: metrics.status, text: await metrics.text() }).toEqual({
      status: 200,
      text: expect.stringContaining('process_resident_memory_bytes'),
    });
    expect((await get('/api/v1/runs', cluster.readToken)).status).toBe(200);
    expect((await get('/api/v1/runs', cluster.readToken, 'POST')).status).toBe(403);
    expect((await get('/api/v1/runs', undefined, 'POST')).status).toBe(401);
  });

  it('ends a run whose worker is killed with the bits of the embedded run', async () => {
    const folder = await temporaryFolder();
    try {
      const file = join(folder.path, 'spec.json');
      await writeFile(file, JSON.stringify(spec));
      const watching = cluster.submitAndWatch(file);
      await watching.event((event) => event.event === 'step' && event.step >= 30);
      const [victim = ''] = await cluster.containers('worker');
      await output('docker', ['kill', victim], { seconds: 20 });
      const { exitCode, finished, stderr } = await watching.result;
      expect({ exitCode, finished, stderr }).toMatchObject({
        exitCode: 0,
        finished: { outcome: 'completed', step: 158 },
      });
      const states = await output('docker', ['inspect', '--format', '{{.State.Status}}', victim], { seconds: 20 });
      expect(states).toBe('exited');

      const embedded = await train([file]);
      expect(finished?.parametersSha256).toBe(embedded.finished?.parametersSha256);
      const [run] = (await cluster.elbo(['runs', '--json']))
        .split('\n')
        .map((line) => runSummarySchema.parse(JSON.parse(line)));
      expect(run).toMatchObject({ state: 'completed', parametersSha256: finished?.parametersSha256 });
      await cluster.elbo(['download', 'latest', '--out', join(folder.path, 'run')]);
      const files = await readdir(join(folder.path, 'run'));
      for (const name of ['model.safetensors', 'metrics.ndjson', 'curves.png']) expect(files).toContain(name);
    } finally {
      await folder.remove();
    }
  }, 420_000);

  it('stops in order, all of it', async () => {
    await cluster.compose(['stop'], 100);
    const ids = (await Promise.all(['redis', 'coordinator', 'worker'].map((each) => cluster.containers(each)))).flat();
    const codes = await output('docker', ['inspect', '--format', '{{.Name}} {{.State.ExitCode}}', ...ids], {
      seconds: 20,
    });
    // 137 is a SIGKILL: one worker's, above.
    expect(codes.split('\n').filter((line) => line.endsWith(' 137'))).toHaveLength(1);
  });
});
