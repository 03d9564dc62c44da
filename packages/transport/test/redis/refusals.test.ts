import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { ShardJob } from '@elbo/protocol/messages';
import type { Lease, RunChannel } from '@elbo/transport/conductor-transport';
import { encodeFrameHead, type FrameType, frameTypes } from '@elbo/transport/data-plane/frame';
import { connectMember } from '@elbo/transport/data-plane/member-connection';
import { authorizationOf, newNonce } from '@elbo/transport/data-plane/token-proof';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests, startTestRedis, type TestRedis } from '../../../../tests/support/redis.js';
import { gradientJob, header, hello, newMemory, resolvedRun } from '../fixtures.js';
import { eventually, RecordingHooks } from '../recording-hooks.js';

process.env.ELBO_LOG_LEVEL ??= 'silent';

describe.skipIf(!redisForTests)('what the conductor refuses', () => {
  const runId = 'refusing-run';
  const parameterCount = 1000;
  let redis: TestRedis;
  let common: { redisUrl: string; prefix: string; token: string };
  let conductor: RedisConductorTransport;
  let lease: Lease;
  let hooks: RecordingHooks;
  let channel: RunChannel;

  beforeAll(async () => {
    redis = await startTestRedis();
    common = { redisUrl: redis.url, prefix: redis.freshPrefix(), token: 'secret' };
    conductor = await createRedisConductorTransport(common);
    lease = (await conductor.store.acquireLease(runId, 'test', 600_000)) as Lease;
    hooks = new RecordingHooks(parameterCount);
    channel = await conductor.openRun(resolvedRun(runId), lease, hooks);
    channel.publish(0, new Float32Array(parameterCount));
  });
  afterAll(async () => {
    await channel.close();
    await conductor.close();
    await redis.stop();
  });

  const refused = (reason: string) => conductor.refusals.get(reason) ?? 0;
  const job = (shard: number): ShardJob => gradientJob(channel, runId, lease.token, 0, shard);

  function get(path: string, token: string): Promise<IncomingMessage> {
    const authorization = authorizationOf(token, { path, address: channel.address, nonces: [newNonce()] });
    return new Promise((resolve, reject) => {
      request(channel.address, { path, headers: { authorization }, agent: false })
        .on('response', (response) => resolve(response.resume()))
        .on('error', reject)
        .end();
    });
  }

  /** A member that speaks for itself: the socket after hello and welcome. */
  async function rawMember(workerId: string): Promise<Socket> {
    const { stream, proof } = await connectMember({
      conductor: channel.address,
      runId,
      lease: lease.token,
      token: common.token,
    });
    stream.on('error', () => undefined);
    stream.resume();
    stream.write(encodeFrameHead(frameTypes.hello, { proof, member: hello(workerId), memory: null }, null));
    await eventually('the member joined', () => channel.members.has(workerId));
    return stream as Socket;
  }

  async function closedBy(stream: Socket): Promise<void> {
    if (!stream.closed) await once(stream, 'close', { signal: AbortSignal.timeout(5000) });
  }

  it('a worker with another token, before anything else is said', async () => {
    const before = refused('bad-token');
    const worker = await createRedisWorkerTransport({ ...common, token: 'guess' });
    await expect(worker.join(job(0), hello('intruder'), newMemory)).rejects.toMatchObject({
      code: 'CONDUCTOR_UNREACHABLE',
      message: expect.stringContaining('refused the token'),
    });
    await worker.close();
    expect((await get(`/v1/datasets/${'0'.repeat(64)}`, 'guess')).statusCode).toBe(401);
    expect(refused('bad-token') - before).toBe(2);
    expect(channel.members.size).toBe(0);
  });

  it('paths that are not there', async () => {
    for (const path of ['/', '/v1/datasets/../../etc/passwd', '/v1/runs/x/member', `/v1/datasets/${'g'.repeat(64)}`]) {
      expect((await get(path, common.token)).statusCode).toBe(404);
    }
  });

  it('bytes that are not HTTP', async () => {
    const { hostname, port } = new URL(channel.address);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).resume();
    socket.write('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n');
    await closedBy(socket);
    expect((await get('/', common.token)).statusCode).toBe(404);
  });

  it('what a member says behind its goodbye, and lends it no buffer', async () => {
    const member = await rawMember('talkative');
    const late = { id: 1, header: header(job(90), 'talkative'), memorySlot: null };
    const goodbye = encodeFrameHead(frameTypes.goodbye, { reason: 'done' }, null);
    const begun = encodeFrameHead(frameTypes.contribution, late, Buffer.alloc(4 * parameterCount));
    member.write(Buffer.concat([goodbye, begun]));
    await eventually('it left', () => !channel.members.has('talkative'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hooks.all('admit').filter((event) => event.job.shard === 90)).toEqual([]);
  });

  it('a frame that was changed anywhere, and closes that connection alone', async () => {
    const witness = await rawMember('witness');
    const gradient = Buffer.alloc(4 * parameterCount, 7);
    let shard = 100;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (position, flip) => {
        const contribution = { id: 0, header: header(job(shard++), 'mutant'), memorySlot: null };
        const frame = Buffer.concat([encodeFrameHead(frameTypes.contribution, contribution, gradient), gradient]);
        const counted = hooks.all('contributed').length;
        const at = position % frame.length;
        frame.writeUInt8(frame.readUInt8(at) ^ flip, at);
        const member = await rawMember('mutant');
        member.end(frame);
        await closedBy(member);
        await eventually('the member left', () => !channel.members.has('mutant'));
        expect(hooks.all('contributed').length).toBe(counted);
        expect(hooks.onLoan.size).toBe(0);
      }),
      { numRuns: 150 },
    );
    expect(witness.closed).toBe(false);
    expect(channel.members.has('witness')).toBe(true);
    witness.destroy();
  }, 30_000);

  it('bytes that are no frames at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 24, maxLength: 200 }), async (bytes) => {
        const before = refused('bad-frame');
        const member = await rawMember('noise');
        member.write(bytes);
        await closedBy(member);
        expect(refused('bad-frame') - before).toBe(1);
      }),
      { numRuns: 25 },
    );
  });

  it.each<[string, FrameType, unknown, number]>([
    ['a second hello', frameTypes.hello, { proof: '0'.repeat(64), member: hello('twice'), memory: null }, 0],
    ['a frame that only conductors send', frameTypes.reply, { id: 0, reply: { accepted: true } }, 0],
    ['a payload where none belongs', frameTypes.ping, undefined, 8],
    ['a header with more than belongs there', frameTypes.ready, { parametersInMemory: false, admin: true }, 0],
    ['a gradient longer than the parameters', frameTypes.contribution, { id: 0, header: {}, memorySlot: null }, 4008],
  ])('%s', async (_what, type, frameHeader, payloadBytes) => {
    const before = refused('bad-frame');
    const member = await rawMember('odd');
    const payload = payloadBytes === 0 ? null : Buffer.alloc(payloadBytes);
    member.write(encodeFrameHead(type, frameHeader, payload));
    if (payload !== null) member.write(payload);
    await closedBy(member);
    expect(refused('bad-frame') - before).toBe(1);
  });

  it('a gradient whose bytes changed on the way: says so, counts it, and goes on with the same worker', async () => {
    const worker = await rawMember('corrupt');
    const gradient = Buffer.alloc(4 * parameterCount, 1);
    const send = (id: number, shard: number, sent: Buffer) => {
      worker.write(
        encodeFrameHead(
          frameTypes.contribution,
          { id, header: header(job(shard), 'corrupt'), memorySlot: null },
          gradient,
        ),
      );
      worker.write(sent);
    };
    const before = refused('bad-checksum');
    const changed = Buffer.from(gradient);
    changed.writeUInt8(2, 1234);
    expect(crc32(changed)).not.toBe(crc32(gradient));
    const already = hooks.all('abandoned').length;
    send(0, 1, changed);
    const abandoned = (await hooks.until('abandoned', already + 1)).at(-1);
    expect(abandoned).toMatchObject({ job: { shard: 1 }, reason: expect.stringContaining('checksum') });
    expect(refused('bad-checksum') - before).toBe(1);
    send(1, 1, gradient);
    await eventually('the intact one is counted', () =>
      hooks.all('contributed').some((event) => event.header.job.shard === 1),
    );
    worker.destroy();
  });

  it('sums that are no numbers: the worker hears of it as an error, and the shard as failed', async () => {
    const worker = await createRedisWorkerTransport(common);
    const errors: unknown[] = [];
    worker.takeShards(async (taken) => {
      const membership = await worker.join(taken, hello('nan'), newMemory);
      const gradient = await membership.contributionBuffer(taken);
      const good = header(taken, 'nan');
      const poisoned = { ...good, terms: { ...good.terms, reconstructionLogProb: Number.NaN } };
      await membership.contribute(poisoned, gradient).catch((error: unknown) => {
        errors.push(error);
        throw error;
      });
    }, 1);
    await channel.dispatch([job(70)]);
    const [failed] = await hooks.until('shardFailed');
    expect(failed).toMatchObject({ job: job(70), willRetry: false });
    expect(failed?.message).toContain('terms.reconstructionLogProb');
    expect(errors).toEqual([expect.objectContaining({ code: 'CONTRIBUTION_FAILED', reason: 'bad-header' })]);
    await worker.close();
  });

  it('contributions in the name of another worker, for another run, or of the wrong length', async () => {
    const worker = await rawMember('honest');
    const replies = new Map<string, number>(conductor.refusals);
    const counted = hooks.all('contributed').length;
    const send = (contribution: unknown, payload: Buffer | null) => {
      worker.write(
        encodeFrameHead(frameTypes.contribution, { id: 0, header: contribution, memorySlot: null }, payload),
      );
      if (payload !== null) worker.write(payload);
    };
    const whole = Buffer.alloc(4 * parameterCount);
    send(header(job(50), 'someone-else'), whole);
    send(header({ ...job(51), runId: 'other-run' }, 'honest'), whole);
    send(header({ ...job(52), lease: lease.token + 1 }, 'honest'), whole);
    send(header(job(53), 'honest'), Buffer.alloc(400));
    send({ ...header(job(54), 'honest'), terms: null }, whole);
    const expected = { 'bad-header': 2, 'unknown-run': 1, 'deposed-lease': 1, 'bad-length': 1 };
    for (const [reason, count] of Object.entries(expected)) {
      await eventually(reason, () => refused(reason) - (replies.get(reason) ?? 0) === count);
    }
    expect(hooks.all('contributed').length).toBe(counted);
    expect(channel.members.has('honest')).toBe(true);
    worker.destroy();
  });
});
