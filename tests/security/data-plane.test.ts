import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Lease, RunChannel } from '@elbo/transport/conductor-transport';
import { frameTypes } from '@elbo/transport/data-plane/frame';
import { connectMember } from '@elbo/transport/data-plane/member-connection';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolvedRun } from '../../packages/transport/test/fixtures.js';
import { RecordingHooks } from '../../packages/transport/test/recording-hooks.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('the data plane', () => {
  const runId = 'guarded-run';
  const token = 'a token that strangers lack';
  let redis: TestRedis;
  let conductor: RedisConductorTransport;
  let lease: Lease;
  let channel: RunChannel;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    redis = await startTestRedis();
    conductor = await createRedisConductorTransport({ redisUrl: redis.url, prefix: redis.freshPrefix(), token });
    lease = (await conductor.store.acquireLease(runId, 'test', 600_000)) as Lease;
    channel = await conductor.openRun(resolvedRun(runId), lease, new RecordingHooks(1000));
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(async () => {
    await channel.close();
    await conductor.close();
    await redis.stop();
  });

  function stranger(): { socket: Socket; answer: () => string; closed: Promise<unknown> } {
    const { hostname, port } = new URL(conductor.address);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    let answer = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    return { socket, answer: () => answer, closed: new Promise((resolve) => socket.once('close', resolve)) };
  }

  async function healthMs(): Promise<number> {
    const began = performance.now();
    const asked = request(new URL('/healthz', conductor.address), { agent: false }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
    return performance.now() - began;
  }

  it('ends connections that say nothing or speak slowly, and answers others meanwhile', async () => {
    const began = performance.now();
    const slow = Array.from({ length: 100 }, stranger);
    for (const { socket } of slow.slice(0, 50)) socket.write(`GET /v1/runs/${runId}/member HTTP/1.1\r\nhost: x\r\n`);
    const dripping = setInterval(() => {
      for (const { socket } of slow.slice(0, 50)) if (socket.writable) socket.write('a: b\r\n');
    }, 200);
    try {
      expect(await healthMs()).toBeLessThan(1000);
      await Promise.all(slow.map(({ closed }) => closed));
    } finally {
      clearInterval(dripping);
    }
    expect(performance.now() - began).toBeLessThan(9000);
    for (const { answer } of slow.slice(0, 50)) expect(answer()).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(conductor.refusals.get('bad-request')).toBeGreaterThanOrEqual(50);
  }, 20_000);

  it('ends a request that does not come to its end', async () => {
    const { socket, closed, answer } = stranger();
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n');
    const body = Buffer.alloc(65_536);
    const flood = () => {
      while (socket.writable && socket.write(body));
    };
    socket.on('drain', flood);
    flood();
    await closed;
    // The answer may be lost to the reset that ends the flood.
    expect(answer()).toMatch(/^(HTTP\/1\.1 401 |$)/);
    // What was in buffers when the answer went out, and no more.
    expect(socket.bytesWritten).toBeLessThan(64 * 2 ** 20);
  });

  it('refuses a flood of headers before it is over', async () => {
    for (const header of [`x: ${'y'.repeat(9000)}`, Array.from({ length: 2000 }, (_, i) => `x${i}: y`).join('\r\n')]) {
      const { socket, closed, answer } = stranger();
      socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\n${header}`);
      await closed;
      expect(answer()).toMatch(/^HTTP\/1\.1 431 /);
    }
  });

  it.each<[string, string, number]>([
    ['no token', '', 401],
    ['an empty one', 'authorization: Elbo \r\n', 401],
    ['the old way of saying it', `authorization: Bearer ${token}\r\n`, 401],
    ['a proof of nothing', `authorization: Elbo ${'0'.repeat(32)}.${'0'.repeat(64)}\r\n`, 401],
    ['two of them', `authorization: Elbo x\r\nauthorization: Elbo y\r\n`, 401],
  ])('answers 401 to %s, on every path, whether there is something behind it or not', async (_what, header, status) => {
    const paths = [`/v1/runs/${runId}/member`, '/v1/runs/none/member', `/v1/datasets/${'d'.repeat(64)}`, '/', '/../..'];
    for (const path of paths) {
      for (const upgrade of ['', 'connection: Upgrade\r\nupgrade: elbo-member\r\nelbo-lease: 1\r\n']) {
        const { socket, closed, answer } = stranger();
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${header}${upgrade}\r\n`);
        await closed;
        expect(answer()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
        expect(answer()).not.toContain(token);
      }
    }
  });

  async function member(): Promise<Socket> {
    const conductorAddress = { conductor: conductor.address, runId, lease: lease.token, token };
    const stream = (await connectMember(conductorAddress)).stream as Socket;
    sockets.push(stream);
    stream.on('error', () => {});
    stream.resume();
    return stream;
  }

  /** The first 24 bytes of a frame. */
  function preamble(type: number, headerBytes: number, payloadBytes: number): Buffer {
    const bytes = Buffer.alloc(24);
    bytes.write('ELB1');
    bytes.writeUInt8(type, 4);
    bytes.writeUInt32BE(headerBytes, 8);
    bytes.writeUInt32BE(payloadBytes, 16);
    return bytes;
  }

  it.each<[string, Buffer]>([
    ['a header of 4 GiB', preamble(frameTypes.hello, 2 ** 32 - 1, 0)],
    ['a header of one byte too many', preamble(frameTypes.hello, 128 * 1024 + 1, 0)],
    ['a payload of 4 GiB', preamble(frameTypes.hello, 0, 2 ** 32 - 1)],
    ['a type that is none', preamble(99, 0, 0)],
    ['a contribution before its hello', preamble(frameTypes.contribution, 0, 0)],
    ['no hello but bytes', Buffer.alloc(1000, 7)],
  ])('ends a connection that proved itself and then sends %s, without taking memory for it', async (_what, bytes) => {
    const stream = await member();
    const before = process.memoryUsage().rss;
    const closed = once(stream, 'close', { signal: AbortSignal.timeout(5000) });
    stream.write(bytes);
    await closed;
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    expect(channel.members.size).toBe(0);
  });

  it('ends a connection that proved itself and then does not say hello', async () => {
    const stream = await member();
    await once(stream, 'close', { signal: AbortSignal.timeout(8000) });
    expect(channel.members.size).toBe(0);
  }, 10_000);
});
