import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../packages/transport/test/recording-hooks.js';
import { ElboProcess } from '../support/elbo.js';
import { ElboCommand } from '../support/elbo-command.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'elbo-logs-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const tiny = ['train', 'mnist', '--limit', '1280', '--hidden', '16', '--epochs', '1'];

/** The log on standard error, line by line. ElboProcess has checked that standard output holds events and nothing else. */
function logOf(stderr: string): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('elbo train --json with all logs', () => {
  it('embedded prints events on standard output, and on standard error a log that names run and worker', async () => {
    const child = new ElboProcess([...tiny, '--out', join(root, 'embedded')], { ELBO_LOG_LEVEL: 'debug' });
    const { exitCode, finished, stderr } = await child.result;
    expect(exitCode).toBe(0);
    const log = logOf(stderr);
    expect(log).toContainEqual(
      expect.objectContaining({ name: 'coordinator', runId: finished?.runId, msg: 'conducts a run' }),
    );
    expect(log).toContainEqual(
      expect.objectContaining({ runId: finished?.runId, workerId: 'embedded', msg: 'a worker joined' }),
    );
  });

  describe.skipIf(!redisForTests)('through Redis', () => {
    let redis: TestRedis;
    beforeAll(async () => {
      redis = await startTestRedis();
    });
    afterAll(() => redis.stop());

    it('does so in every process', async () => {
      const flags = ['--redis', redis.url, '--workers', '2', '--threads', '1', '--out', join(root, 'redis')];
      const { exitCode, finished, stderr } = await new ElboProcess([...tiny, ...flags], { ELBO_LOG_LEVEL: 'debug' })
        .result;
      expect(exitCode).toBe(0);
      const log = logOf(stderr);
      for (const workerId of ['worker-1', 'worker-2']) {
        expect(log).toContainEqual(
          expect.objectContaining({ name: 'coordinator', runId: finished?.runId, workerId, msg: 'a worker joined' }),
        );
      }
      const ofShards = log.filter(({ shard }) => shard !== undefined);
      for (const line of ofShards) expect(line).toMatchObject({ runId: finished?.runId, shard: expect.any(Number) });
    });

    it('a failed shard is one line, which says why once', async () => {
      const prefix = redis.freshPrefix();
      const client = new Redis(redis.url, { maxRetriesPerRequest: null });
      const queue = new Queue('shards', { connection: client, prefix: `{${prefix}}` });
      const round = { kind: 'gradient', runId: 'no-run', lease: 1, parameterVersion: 0, step: 0, shard: 3, attempt: 0 };
      await queue.add('gradient', { ...round, conductor: 'http://127.0.0.1:1' });
      const access = ['--redis', redis.url, '--prefix', prefix];
      const worker = new ElboCommand(['worker', ...access, '--threads', '1'], { ELBO_TOKEN: 'a-token-for-this-test' });
      await eventually('it has failed', () => worker.stderr.includes('"shard":3'));
      await worker.stop();
      const log = worker.stderr.replace(/^\nelbo: finishing .*\n/m, ''); // that is for people
      const said = logOf(log).filter(({ shard }) => shard === 3);
      const why =
        'cannot work for the conductor at http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; check that this machine reaches that address and that both sides have the same token';
      expect(said).toMatchObject([{ msg: 'a shard failed', runId: 'no-run', code: 'CONDUCTOR_UNREACHABLE', why }]);
      await queue.close();
      client.disconnect();
    });
  });
});
