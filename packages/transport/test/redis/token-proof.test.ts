import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Lease, RunChannel } from '@elbo/transport/conductor-transport';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { computeShard, gradientJob, hello, newMemory, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

/** A listener that keeps all it is sent, and does with a connection what it is told. */
class Listener {
  heard = Buffer.alloc(0);
  connections = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(behave: (socket: Socket, listener: Listener) => void): Promise<Listener> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const listener = new Listener(server);
    server.on('connection', (socket) => {
      listener.connections += 1;
      listener.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk: Buffer) => {
        listener.heard = Buffer.concat([listener.heard, chunk]);
      });
      behave(socket, listener);
    });
    return listener;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Passes everything on to another address, both ways. */
function relayTo(address: () => string): (socket: Socket) => void {
  return (socket) => {
    const { hostname, port } = new URL(address());
    const there = connect(Number(port), hostname);
    there.on('error', () => socket.destroy());
    socket.pipe(there).pipe(socket);
  };
}

describe.skipIf(!redisForTests)('the token of the cluster', () => {
  const runId = 'guarded-run';
  const token = 'the secret that is never sent';
  let redis: TestRedis;
  let common: { redisUrl: string; prefix: string; token: string };
  let wire: Listener;
  let conductorPort = 0;
  let conductor: RedisConductorTransport;
  let lease: Lease;
  let hooks: RecordingHooks;
  let channel: RunChannel;
  const listeners: Listener[] = [];

  beforeAll(async () => {
    redis = await startTestRedis();
    common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token };
    // The wire that workers use: it hears all that they say to the conductor.
    wire = await Listener.start(relayTo(() => `http://127.0.0.1:${conductorPort}`));
    const free = await Listener.start(() => {});
    conductorPort = Number(new URL(free.address).port);
    await free.stop();
    conductor = await createRedisConductorTransport({
      ...common,
      listen: { port: conductorPort },
      advertise: wire.address,
    });
    lease = (await conductor.store.acquireLease(runId, 'test', 600_000)) as Lease;
    hooks = new RecordingHooks(1000);
    channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    channel.publish(0, new Float32Array(1000));
  });
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
  });
  afterAll(async () => {
    await channel.close();
    await conductor.close();
    await wire.stop();
    await redis.stop();
  });

  const job = (address: string) => ({ ...gradientJob(channel, runId, lease.token, 0, 0), conductor: address });

  async function joining(address: string): Promise<unknown> {
    const worker = await createRedisWorkerTransport({ ...common, shareMemory: false });
    try {
      return await worker.join(job(address), hello('victim'), newMemory).catch((error: unknown) => error);
    } finally {
      await worker.close();
    }
  }

  it('is on no wire while a worker joins, computes and fetches', async () => {
    const bytes = new Uint8Array(1000);
    hooks.dataset = { hash: 'a'.repeat(64), bytes };
    const worker = await createRedisWorkerTransport({ ...common, shareMemory: false });
    const membership = await computeShard(worker, 'honest', job(wire.address));
    for await (const _ of (await membership.fetchDataset('a'.repeat(64), 0)).chunks);
    await worker.close();
    expect(wire.heard.length).toBeGreaterThan(4000);
    expect(wire.heard.includes('authorization: Elbo ')).toBe(true);
    for (const spelling of ['utf8', 'hex', 'base64', 'base64url'] as const) {
      expect(wire.heard.includes(Buffer.from(token).toString(spelling))).toBe(false);
    }
  });

  it('is not told to an address that a forged job names, nor does a worker obey what answers there', async () => {
    const answers = [
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: elbo-member\r\n\r\n',
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: elbo-member\r\nElbo-Proof: ${'0'.repeat(32)}.${'0'.repeat(64)}\r\n\r\n`,
    ];
    for (const answer of answers) {
      const thief = await Listener.start((socket) => socket.once('data', () => socket.write(answer)));
      listeners.push(thief);
      expect(await joining(thief.address)).toMatchObject({
        code: 'CONDUCTOR_UNREACHABLE',
        message: expect.stringContaining('does not prove that it has the token'),
      });
      expect(thief.heard.length).toBeGreaterThan(0);
      expect(thief.heard.includes(token)).toBe(false);
    }
  });

  it('is of no use to one who relays between a worker and the conductor from another address', async () => {
    const before = conductor.refusals.get('bad-token') ?? 0;
    const relay = await Listener.start(relayTo(() => wire.address));
    listeners.push(relay);
    expect(await joining(relay.address)).toMatchObject({
      code: 'CONDUCTOR_UNREACHABLE',
      message: expect.stringContaining('it refused the token (401)'),
    });
    expect((conductor.refusals.get('bad-token') ?? 0) - before).toBe(1);
    expect(channel.members.size).toBe(0);
  });

  it('is not proved by what was overheard: a recorded membership cannot be played again', async () => {
    wire.heard = Buffer.alloc(0);
    const worker = await createRedisWorkerTransport({ ...common, shareMemory: false });
    await worker.join(job(wire.address), hello('overheard'), newMemory);
    await worker.close();
    await eventually('it left', () => channel.members.size === 0);
    const recorded = wire.heard;
    const joined = hooks.all('memberJoined').length;
    const before = conductor.refusals.get('bad-token') ?? 0;
    const replay = connect(conductorPort, '127.0.0.1');
    replay.on('error', () => {});
    let answer = '';
    replay.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    replay.write(recorded);
    await once(replay, 'close', { signal: AbortSignal.timeout(5000) });
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect((conductor.refusals.get('bad-token') ?? 0) - before).toBe(1);
    expect(hooks.all('memberJoined').length).toBe(joined);
    // Nothing of the run was told: no parameters, no welcome.
    expect(answer).not.toContain(runId);
  });

  it.each([
    '',
    'file:///etc/passwd',
    'https://127.0.0.1:1',
    'http://user:password@127.0.0.1:1',
    'http://127.0.0.1:1/v1',
    'http://127.0.0.1:1?x',
    'http://127.0.0.1:1/',
    '127.0.0.1:1',
    'http://127.0.0.1:1\r\nX: y',
  ])('is shown to nobody at the address %j, which is none', async (address) => {
    expect(await joining(address)).toMatchObject({
      code: 'CONDUCTOR_UNREACHABLE',
      message: expect.stringContaining('that is no address'),
    });
  });
});
