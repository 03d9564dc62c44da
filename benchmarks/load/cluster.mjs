import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { locateRedis } from '@elbo/transport/redis/locate-redis';
import { obliterate } from '@elbo/transport/redis/remove-keys';
import { elboBin } from '../support.mjs';

const clockTicks = 100;
const deadlineMs = 60_000;

/** A Redis, a coordinator with its API and workers, as processes; what the run does is read from the coordinator's standard output. */
export class LoadedCluster {
  api = '';
  peakMegabytes = 0;
  #progress = new Map();
  #processes = [];
  #errors = '';

  static async start({ token, workers }) {
    const cluster = new LoadedCluster();
    cluster.token = token;
    cluster.redis = await locateRedis();
    cluster.prefix = `elbo-bench-${randomBytes(6).toString('hex')}`;
    cluster.folder = mkdtempSync(join(tmpdir(), 'elbo-bench-'));
    const [data, api] = [await freePort(), await freePort()];
    cluster.api = `http://127.0.0.1:${api}`;
    const common = ['--redis', cluster.redis.url, '--prefix', cluster.prefix];
    const places = [
      '--listen',
      `127.0.0.1:${data}`,
      '--api',
      `127.0.0.1:${api}`,
      '--runs',
      join(cluster.folder, 'runs'),
    ];
    cluster.coordinator = cluster.#spawn(['coordinator', ...common, ...places, '--max-runs', '1', '--json']);
    createInterface({ input: cluster.coordinator.stdout }).on('line', (line) => cluster.#take(line));
    for (let i = 0; i < workers; i++) cluster.#spawn(['worker', ...common, '--threads', '1']).stdout.resume();
    await cluster.#until('the API answers', async () => (await fetch(`${cluster.api}/healthz`)).ok);
    cluster.sampling = setInterval(() => {
      cluster.peakMegabytes = Math.max(cluster.peakMegabytes, cluster.coordinatorMegabytes());
    }, 250);
    return cluster;
  }

  async submit(spec) {
    const body = JSON.stringify({ spec, priority: spec.name === 'waiting' ? 'low' : 'normal' });
    return (await this.#post('runs', body)).runId;
  }

  cancel(runId) {
    return this.#post(`runs/${runId}/cancel`);
  }

  /** Examples that were trained on, and when the last step was done, milliseconds. */
  progress(runId) {
    return this.#progress.get(runId) ?? { examples: 0, step: 0, time: 0 };
  }

  steps(runId, count) {
    return this.#until(`${count} steps`, () => this.progress(runId).step >= count);
  }

  coordinatorCpuSeconds() {
    const fields = readFileSync(`/proc/${this.coordinator.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / clockTicks;
  }

  coordinatorMegabytes() {
    const status = readFileSync(`/proc/${this.coordinator.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }

  async stop() {
    clearInterval(this.sampling);
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await obliterate(this.redis.url, this.prefix);
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(args) {
    const env = { ...process.env, ELBO_TOKEN: this.token, ELBO_LOG_LEVEL: 'error' };
    const child = spawn(process.execPath, [elboBin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#errors = (this.#errors + text).slice(-4000)));
    this.#processes.push(child);
    return child;
  }

  #take(line) {
    const event = JSON.parse(line);
    if (event.event !== 'step') return;
    const { examples } = this.progress(event.runId);
    const counted = examples + event.examples;
    this.#progress.set(event.runId, { examples: counted, step: event.step, time: event.time });
  }

  async #post(path, body) {
    const headers = { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': 'application/json' } : {}) };
    const response = await fetch(`${this.api}/api/v1/${path}`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async #until(what, ask) {
    const end = performance.now() + deadlineMs;
    for (;;) {
      if (await Promise.resolve(ask()).catch(() => false)) return;
      if (performance.now() > end) throw new Error(`${what}: not within a minute. ${this.#errors}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
