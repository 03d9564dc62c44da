import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';
import { shardJobKey } from '@elbo/transport/shard-job';
import { expect, it } from 'vitest';
import { redisForTests, startTestRedis } from '../../../../tests/support/redis.js';
import { gradientJob, resolvedRun } from '../fixtures.js';
import { RecordingHooks } from '../recording-hooks.js';

it.skipIf(!redisForTests)('a connection that is cut between the answers of one pipeline costs nothing', async () => {
  const redis = await startTestRedis();
  const target = redis.url.startsWith('redis://') ? connectTo(new URL(redis.url)) : { path: redis.url };
  /** The answer after whose beginning the connection breaks, once. */
  let cutAfter: string | null = null;
  let cuts = 0;
  const proxy = createServer((client) => {
    const server = connect(target);
    client.pipe(server);
    server.on('data', (chunk) => {
      if (cutAfter === null || !chunk.toString('latin1').startsWith(cutAfter)) {
        client.write(chunk);
        return;
      }
      client.end(chunk.subarray(0, cutAfter.length));
      server.destroy();
      cutAfter = null;
      cuts++;
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroySoon());
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const redisUrl = `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const transport = await createRedisConductorTransport({ redisUrl, prefix: redis.freshPrefix(), token: 'secret' });
  const lease = await transport.store.acquireLease('run-1', 'test', 60_000);
  if (!lease) throw new Error('the lease is free');
  const channel = await transport.openRun(resolvedRun('run-1'), lease, new RecordingHooks(4));
  const jobs = [0, 1].map((shard) => gradientJob(channel, 'run-1', lease.token, 0, shard));
  const [firstKey = ''] = jobs.map(shardJobKey);
  cutAfter = `$${firstKey.length}\r\n${firstKey}\r\n`;
  await channel.dispatch(jobs);
  expect(await channel.waiting(jobs)).toEqual(jobs);
  cutAfter = ':300000\r\n';
  const snapshot = { step: 1, meta: '{}', tensors: new Uint8Array(300_000).fill(7) };
  await transport.store.saveSnapshot(lease, snapshot);
  expect((await transport.store.loadSnapshot('run-1'))?.tensors.every((byte) => byte === 7)).toBe(true);
  expect(cuts).toBe(2);
  await transport.close();
  proxy.close();
  await redis.stop();
});

function connectTo({ hostname, port }: URL) {
  return { host: hostname, port: Number(port || 6379) };
}
