import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findRedisServer } from '@elbo/transport/redis/private-redis';
import { Redis } from 'ioredis';
import { temporaryFolder } from './elbo.js';
import { freePort } from './free-port.js';

/** A redis-server of a test's own on a free port, which it may stop, start again, fill and configure. */
export class RestartableRedis {
  #server: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly folder: { readonly path: string; remove(): Promise<void> },
    private readonly settings: readonly string[],
  ) {}

  static async start(settings: readonly string[]): Promise<RestartableRedis> {
    const redis = new RestartableRedis(await freePort(), await temporaryFolder(), settings);
    await redis.up();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const always = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder.path, '--save', ''];
    this.#server = spawn(findRedisServer() ?? 'redis-server', [...always, ...this.settings], { stdio: 'ignore' });
    await this.with((client) => client.ping());
  }

  /** Ends it as a power failure does. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  async with<T>(use: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => {}); // it is not up yet
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.down();
    await this.folder.remove();
  }
}
