import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { train } from '../support/elbo.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

/** Small enough for a test, uneven on purpose: the last step of an epoch takes what is left. */
const run = [
  'mnist',
  '--epochs',
  '2',
  '--limit',
  '1500',
  '--batch-size',
  '256',
  '--shards',
  '4',
  '--microbatch',
  '24',
  '--seed',
  '7',
];

describe('the same spec gives the same bits', () => {
  let reference: string | undefined;
  let redis: TestRedis;
  beforeAll(async () => {
    if (redisForTests) redis = await startTestRedis();
    reference = (await train([...run, '--threads', '1'])).finished?.parametersSha256;
    expect(reference).toMatch(/^[0-9a-f]{64}$/);
  });

  afterAll(() => redis?.stop());

  it('with two threads and with three', async () => {
    for (const threads of ['2', '3']) {
      expect((await train([...run, '--threads', threads])).finished?.parametersSha256).toBe(reference);
    }
  });

  it('but not with another seed', async () => {
    const other = await train([...run.slice(0, -1), '8', '--threads', '1']);
    expect(other.finished?.parametersSha256).not.toBe(reference);
  });

  describe.skipIf(!redisForTests)('through BullMQ on Redis', () => {
    it.each([
      ['one worker process', ['--workers', '1', '--threads', '1']],
      ['three worker processes', ['--workers', '3', '--threads', '1']],
      ['two worker processes of two threads', ['--workers', '2', '--threads', '2']],
    ])('with %s', async (_title, launch) => {
      const { finished, events } = await train([...run, '--redis', redis.url, ...launch]);
      expect(finished?.parametersSha256).toBe(reference);
      expect(events[0]).toMatchObject({ event: 'notice', code: 'transport' });
      expect(events.find((event) => event.event === 'run-started')).toMatchObject({ transport: 'redis' });
    });
  });
});
