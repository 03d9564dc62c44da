import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import ioredis = require('ioredis');

import { RedisUnavailableError } from '../errors.js';
import { messageOf } from '../message-of.js';

const startDeadlineMs = 10_000;

export interface PrivateRedis {
  /** The path of a unix socket, which takes the place of a redis:// address. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The `redis-server` on PATH; null when there is none. */
export function findRedisServer(path = process.env.PATH ?? ''): string | null {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, 'redis-server');
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * Starts a Redis for this process alone: a unix socket in a folder that only this user can enter, nothing written to
 * disk. It ends with this process, however that ends: a shell waits at a pipe whose other end this process holds.
 * @throws RedisUnavailableError
 */
export async function startPrivateRedis(binary: string): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'elbo-redis-'));
  const socket = join(folder, 'redis.sock');
  const config = join(folder, 'redis.conf');
  await writeFile(
    config,
    [
      'port 0',
      `unixsocket ${socket}`,
      'unixsocketperm 700',
      'save ""',
      'appendonly no',
      'maxmemory-policy noeviction',
      `dir ${folder}`,
      '',
    ].join('\n'),
  );
  const guard = spawn(
    '/bin/sh',
    ['-c', '"$0" "$1" & server=$!; cat >/dev/null; kill $server; wait $server; rm -rf "$2"', binary, config, folder],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  const stop = async () => {
    if (guard.exitCode === null && guard.signalCode === null) {
      const exited = once(guard, 'exit');
      guard.stdin?.end();
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(socket, guard);
  } catch (error) {
    await stop();
    throw new RedisUnavailableError(`${binary} was started and does not answer: ${messageOf(error)}`, { cause: error });
  }
  // The server must not keep this process alive: it ends with it.
  guard.unref();
  if (guard.stdin !== null && 'unref' in guard.stdin) (guard.stdin as { unref(): void }).unref();
  return { url: socket, stop };
}

async function untilItAnswers(socket: string, guard: ChildProcess): Promise<void> {
  const client = new ioredis.Redis(socket, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null });
  // Until the socket is there, each try fails; the deadline speaks for them all.
  client.on('error', () => undefined);
  const deadline = AbortSignal.timeout(startDeadlineMs);
  const onExit = () => client.disconnect();
  guard.once('exit', onExit);
  try {
    client.connect().catch(() => undefined);
    await Promise.race([
      client.ping(),
      once(deadline, 'abort').then(() => {
        throw new Error(`no answer within ${startDeadlineMs / 1000} seconds`);
      }),
    ]);
  } finally {
    guard.off('exit', onExit);
    client.disconnect();
  }
}
