import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findRedisServer } from '@elbo/transport/redis/private-redis';
import { Redis } from 'ioredis';

/** A Redis of its own, as one would run it: append-only file, no eviction. It may be struck down and started again. */
export class ChaosRedis {
  /** @type {import('./processes.mjs').ChildProcess} */
  #server;
  #backAt = 0;

  static async start(processes) {
    const binary = findRedisServer();
    if (!binary) throw new Error('a chaos run needs a redis-server: put one on PATH');
    const redis = new ChaosRedis(processes, binary, await freePort());
    await redis.up();
    return redis;
  }

  constructor(processes, binary, port) {
    this.processes = processes;
    this.binary = binary;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.client = new Redis(port, '127.0.0.1', {
      lazyConnect: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    });
    this.client.on('error', () => {}); // while it is down
    this.folder = join(processes.folder, 'redis');
    mkdirSync(this.folder);
  }

  async up() {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    const durability = ['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];
    this.#server = this.processes.spawn('redis', this.binary, [...place, ...durability]);
    await this.client.ping();
    this.#backAt = performance.now();
  }

  /** As a power cut ends it. */
  async down() {
    await this.#server.kill();
  }

  /** @param {number} time By this process's clock. */
  wasAwaySince(time) {
    return !this.#server.running || this.#backAt >= time;
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
