import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';

const script = fileURLToPath(new URL('./test-worker.mjs', import.meta.url));

export interface TestWorkerOptions {
  readonly workerId: string;
  readonly threads?: number;
  /** Contributions wait so many times as long as their computing took. */
  readonly slowdown?: number;
  /** Contributions wait so long, milliseconds. */
  readonly delayMs?: number;
  /** Contributes each gradient a second time. */
  readonly duplicates?: boolean;
  /** Says { holding } before its so-manieth contribution, and waits for an answer. */
  readonly holdAt?: number;
  /** False: tensors go over the socket. */
  readonly shareMemory?: boolean;
  /** What it says of itself when it joins. */
  readonly build?: object;
}

/** A conductor in the test's process and real worker processes, over a real Redis. */
export class RedisCluster {
  readonly workers = new Map<string, ChildProcess>();

  private constructor(
    readonly transport: RedisConductorTransport,
    readonly access: { readonly redisUrl: string; readonly prefix: string; readonly token: string },
  ) {}

  /** @param listen Where the data plane listens, and where workers are told to find it. */
  static async start(
    redisUrl: string,
    prefix: string,
    listen: { readonly port?: number; readonly advertise?: string } = {},
  ): Promise<RedisCluster> {
    process.env.ELBO_LOG_LEVEL ??= 'silent';
    const access = { redisUrl, prefix, token: 'a-token-for-tests' };
    const { port, advertise } = listen;
    return new RedisCluster(await createRedisConductorTransport({ ...access, listen: { port }, advertise }), access);
  }

  /** Resolves when the worker takes shards. */
  async worker(options: TestWorkerOptions): Promise<ChildProcess> {
    const child = fork(script, [JSON.stringify({ ...this.access, ...options })]);
    this.workers.set(options.workerId, child);
    child.once('exit', () => {
      if (this.workers.get(options.workerId) === child) this.workers.delete(options.workerId);
    });
    await once(child, 'message');
    return child;
  }

  async endWorkers(): Promise<void> {
    await Promise.all([...this.workers.values()].map(endProcess));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.transport.close();
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
