import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type RunSummary, runSummarySchema } from '@elbo/protocol/cluster';
import type { RunSpecInput } from '@elbo/protocol/run-spec';
import { temporaryFolder } from '../../support/elbo.js';
import { freePort } from '../../support/free-port.js';
import { startTestRedis, type TestRedis } from '../../support/redis.js';

const bin = fileURLToPath(new URL('../../../apps/cli/bin/elbo.mjs', import.meta.url));
const startDeadlineMs = 30_000;

/** What people start: a Redis, `elbo coordinator` with its page, `elbo worker`s. */
export class PageCluster {
  readonly token = randomBytes(24).toString('hex');
  readonly readToken = randomBytes(24).toString('hex');
  readonly #prefix: string;
  #coordinator: ChildProcess | null = null;
  readonly #workers: ChildProcess[] = [];
  #output = '';

  private constructor(
    private readonly redis: TestRedis,
    private readonly folder: { readonly path: string; remove(): Promise<void> },
    private readonly dataPort: number,
    readonly port: number,
  ) {
    this.#prefix = redis.freshPrefix();
  }

  static async start(workers: number): Promise<PageCluster> {
    const redis = await startTestRedis();
    const cluster = new PageCluster(redis, await temporaryFolder(), await freePort(), await freePort());
    await cluster.startCoordinator();
    for (let index = 1; index <= workers; index++) cluster.#startWorker(`worker-${index}`);
    return cluster;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the page is served. */
  async startCoordinator(): Promise<void> {
    const addresses = ['--listen', `127.0.0.1:${this.dataPort}`, '--api', `127.0.0.1:${this.port}`];
    const coordinator = this.#elbo(['coordinator', ...addresses, '--runs', this.folder.path]);
    this.#coordinator = coordinator;
    const deadline = Date.now() + startDeadlineMs;
    while (!(await this.#isHealthy())) {
      if (coordinator.exitCode !== null) throw new Error(`elbo coordinator ended: ${this.#output}`);
      if (Date.now() > deadline) throw new Error(`elbo coordinator serves nothing: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async killCoordinator(): Promise<void> {
    if (this.#coordinator) await end(this.#coordinator, 'SIGKILL');
    this.#coordinator = null;
  }

  async killWorker(): Promise<void> {
    const worker = this.#workers.pop();
    if (worker) await end(worker, 'SIGKILL');
  }

  /** Asks the API as a program does. @throws Error with the answer when it is a refusal */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async submit(spec: RunSpecInput): Promise<RunSummary> {
    return runSummarySchema.parse(await this.ask('POST', 'runs', { spec }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => end(worker, 'SIGKILL')));
    await this.killCoordinator();
    await this.redis.stop();
    await this.folder.remove();
  }

  #startWorker(id: string): void {
    this.#workers.push(this.#elbo(['worker', '--threads', '1', '--id', id]));
  }

  #elbo(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [bin, ...args, '--redis', this.redis.url, '--prefix', this.#prefix], {
      env: { ...process.env, ELBO_TOKEN: this.token, ELBO_READ_TOKEN: this.readToken, ELBO_LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-4000);
      });
    }
    return child;
  }

  async #isHealthy(): Promise<boolean> {
    return fetch(`${this.url}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** MNIST in few steps: so many of 128 images an epoch. */
export function smallMnist(name: string, epochs: number, stepsPerEpoch: number): RunSpecInput {
  const dataset = { name: 'mnist', limit: 128 * stepsPerEpoch };
  return { name, dataset, model: { encoder: { hidden: [128] }, decoder: { hidden: [128] } }, training: { epochs } };
}
