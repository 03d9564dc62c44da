import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServeApiOptions, type ServedApi, serveApi } from '@elbo/cli/launch/serve-api';
import { ClusterRunFolders } from '@elbo/coordinator/http/run-folders/run-folders';
import type { RunEvent } from '@elbo/protocol/events';
import { type RunSpecInput, runSpecSchema } from '@elbo/protocol/run-spec';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisRunDirectory } from '@elbo/transport/redis/run-directory';
import type { RunDirectory, RunRecorder } from '@elbo/transport/run-directory';
import type { TestRedis } from './redis.js';

export const fullToken = 'full-token-of-this-test';
export const readToken = 'read-token-of-this-test';

/** A real API on a real port, over a real Redis and a folder of runs. */
export class ApiUnderTest {
  private constructor(
    readonly api: ServedApi,
    readonly directory: RunDirectory,
    readonly transport: RedisConductorTransport,
    /** Where run folders are. */
    readonly runs: string,
  ) {}

  static async start(redis: TestRedis, options: Partial<ServeApiOptions> = {}): Promise<ApiUnderTest> {
    process.env.ELBO_LOG_LEVEL ??= 'silent';
    const access = { redisUrl: redis.url, prefix: redis.freshPrefix() };
    const transport = await createRedisConductorTransport({ ...access, token: fullToken });
    const directory = await createRedisRunDirectory(access);
    const runs = await realpath(await mkdtemp(join(tmpdir(), 'elbo-api-')));
    const api = await serveApi({
      listen: { host: '127.0.0.1', port: 0 },
      otherwise: 'try again',
      hostNames: [],
      memoryLimit: 2 ** 31,
      tokens: { full: fullToken, read: readToken },
      directory,
      folders: new ClusterRunFolders(runs),
      metrics: null,
      queues: transport.queues,
      ...options,
    });
    return new ApiUnderTest(api, directory, transport, runs);
  }

  get url(): string {
    return this.api.address;
  }

  /** Asks with the token for full access, when the request shows nothing else. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization') && !headers.has('cookie')) headers.set('authorization', `Bearer ${fullToken}`);
    if (init.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async json(path: string, init?: RequestInit): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await this.fetch(path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** Submits a run, and takes it as a coordinator does: what it then records is what watchers see. */
  async conducted(runId: string, spec: RunSpecInput = { dataset: { name: 'mnist' } }): Promise<RunRecorder> {
    const launch = { priority: 'normal', workerLimit: null } as const;
    const job = { runId, spec: runSpecSchema.parse(spec), ...launch };
    await this.directory.submit(runId, job.spec, launch);
    const lease = await this.transport.store.acquireLease(runId, 'a test', 600_000);
    if (!lease) throw new Error('the lease is taken');
    const recorder = await this.transport.directory.begin(lease, job);
    if (!recorder) throw new Error('the run is over');
    return recorder;
  }

  async folder(runId: string): Promise<string> {
    const path = join(this.runs, runId);
    await mkdir(path, { recursive: true });
    return path;
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.directory.close();
    await this.transport.close();
    await rm(this.runs, { recursive: true });
  }
}

export function notice(runId: string, message: string): RunEvent {
  return { event: 'notice', runId, time: Date.now(), level: 'info', code: 'test', message };
}
