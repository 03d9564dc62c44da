import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../packages/transport/test/recording-hooks.js';
import { temporaryFolder } from './elbo.js';
import { freePort } from './free-port.js';
import type { TestRedis } from './redis.js';

/** Time that processes get to start on a busy machine. */
const startMs = 45_000;
const bin = fileURLToPath(new URL('../../apps/cli/bin/elbo.mjs', import.meta.url));

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly body?: string | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Full, read, none, or a token of the caller's. */
  readonly as?: 'full' | 'read' | null | { readonly token: string };
}

/** `elbo coordinator` with its API and `elbo worker`, as people start them, and all that they say. */
export class ApiCluster {
  readonly tokens = { full: randomBytes(24).toString('hex'), read: randomBytes(24).toString('hex') };
  /** Standard output and standard error of all processes. */
  output = '';
  readonly #processes: ChildProcess[] = [];

  private constructor(
    readonly address: URL,
    readonly folder: string,
    private readonly remove: () => Promise<void>,
  ) {}

  static async start(redis: TestRedis): Promise<ApiCluster> {
    const { path, remove } = await temporaryFolder();
    const [data, api] = [await freePort(), await freePort()];
    const cluster = new ApiCluster(new URL(`http://127.0.0.1:${api}`), path, remove);
    const common = ['--redis', redis.url, '--prefix', redis.freshPrefix(), '--token', cluster.tokens.full];
    const places = ['--listen', `127.0.0.1:${data}`, '--api', `127.0.0.1:${api}`, '--runs', cluster.runs];
    cluster.#spawn(['coordinator', ...common, ...places, '--read-token', cluster.tokens.read, '--json']);
    cluster.#spawn(['worker', ...common, '--threads', '1']);
    const answers = () =>
      cluster.ask('/healthz', { as: null }).then(
        () => true,
        () => false,
      );
    await eventually('the API answers', answers, startMs);
    return cluster;
  }

  get runs(): string {
    return join(this.folder, 'runs');
  }

  /** The path goes out as it is: no part of it is resolved or escaped. */
  ask(path: string, { method = 'GET', body, headers = {}, as = 'full' }: Asked = {}): Promise<Answer> {
    const token = as === null ? null : typeof as === 'string' ? this.tokens[as] : as.token;
    const { hostname, port } = this.address;
    return new Promise((resolve, reject) => {
      const asked = request({
        ...{ hostname, port, method, path, agent: false },
        headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        const end = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        response.on('end', end).on('error', end);
        // A stream that was let in says so by its headers, and would not end.
        if (response.headers['content-type']?.startsWith('text/event-stream')) asked.destroy();
      });
      asked.end(body);
    });
  }

  post(path: string, value: unknown, more: Asked = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/json', ...more.headers };
    return this.ask(path, { method: 'POST', body: JSON.stringify(value), ...more, headers });
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await this.remove();
  }

  #spawn(args: readonly string[]): void {
    const env = { ...process.env, ELBO_LOG_LEVEL: 'debug', ELBO_CACHE: join(this.folder, 'cache') };
    const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#processes.push(child);
  }
}
