import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mostWatchers, Streams } from '@elbo/coordinator/http/streams/streams';
import type { RunDirectory } from '@elbo/transport/run-directory';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const directory = { list: async () => [], workers: async () => [] } as unknown as RunDirectory;
const request = {} as FastifyRequest;

/** An answer that stays open. */
function openReply(): FastifyReply {
  const raw = Object.assign(new EventEmitter(), { write: () => true, writeHead: () => {}, end: () => {} });
  return { raw, hijack: () => {}, getHeaders: () => ({}) } as unknown as FastifyReply;
}

it('watchers that are one too many are refused, and nothing is kept of the runs that they name', async () => {
  const streams = new Streams(directory, { stillAllowed: () => true }, {
    warn: () => {},
  } as unknown as FastifyBaseLogger);
  for (let i = 0; i < mostWatchers; i++) await streams.watchCluster(request, openReply());
  const refused = (i: number) => streams.watchRun(request, openReply(), `run-${i}`, null).catch(({ code }) => code);
  const held = async (runs: number) => {
    for (let i = 0; i < runs; i++) expect(await refused(i)).toBe('too-many-watchers');
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await held(1000);
  expect((await held(21_000)) - before).toBeLessThan(4_000_000);
  streams.close();
});
