import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ClusterClient } from '@elbo/cli/cluster/cluster-client';
import { readHistory } from '@elbo/cli/cluster/read-history';
import { type RunSignal, type RunStreamOptions, streamRun } from '@elbo/cli/cluster/run-stream';
import { watchRun } from '@elbo/cli/cluster/watch-run';
import type { RunEvent } from '@elbo/protocol/events';
import { afterEach, describe, expect, it } from 'vitest';
import { runSummary } from './run-summary.js';
import { type Answer, problem, type ScriptedServer, startScriptedServer } from './scripted-server.js';

const servers: ScriptedServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
async function serve(events: Answer): Promise<ScriptedServer> {
  const server = await startScriptedServer({ 'runs/run-1/events': events });
  servers.push(server);
  return server;
}
const token = 'a token for tests';
const quick = { firstRetryMs: 5, idleMs: 5000, giveUpAfterMs: 60_000 };

const notice = (message: string): RunEvent => ({
  event: 'notice',
  runId: 'run-1',
  time: 1,
  level: 'info',
  code: 'test',
  message,
});
const completed: RunEvent = {
  event: 'run-finished',
  runId: 'run-1',
  time: 2,
  outcome: 'completed',
  step: 10,
  parametersSha256: 'a'.repeat(64),
  runFolder: '/runs/run-1',
  imagesPerSecond: 1,
  seconds: 1,
};
const sse = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const noticed = (id: string): string => sse('notice', notice(id), id);
const open = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });

/** Reads until enough has come; the scripted server decides what that is. */
async function read(
  server: ScriptedServer,
  enough: (all: RunSignal[]) => boolean,
  options: Partial<RunStreamOptions> = {},
) {
  const ended = new AbortController();
  const all: RunSignal[] = [];
  const stream = streamRun({ server: server.url, token }, 'run-1', { ...quick, ...options, signal: ended.signal });
  for await (const each of stream) {
    all.push(each);
    if (enough(all)) ended.abort();
  }
  return all;
}
const ids = (all: readonly RunSignal[]) => all.flatMap((each) => (each.kind === 'event' ? [each.placed.id] : []));

describe("a run's stream", () => {
  it('goes on after the last event when the connection breaks, however often', async () => {
    let connections = 0;
    const server = await serve((_request, response) => {
      const first = 2 * connections++;
      open(response).write(`${noticed(String(first))}${noticed(String(first + 1))}id: half`, () => response.destroy());
    });
    const all = await read(server, (seen) => ids(seen).length >= 8);
    expect(ids(all)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(all.filter(({ kind }) => kind === 'lost')).toHaveLength(3);
    expect(server.asked.map(({ url }) => url?.split('?')[1])).toEqual(['from=start', undefined, undefined, undefined]);
    expect(server.asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '3', '5']);
  });

  it('counts a connection as broken on which nothing comes, and not one with signs of life', async () => {
    let connections = 0;
    const server = await serve((_request, response) => {
      connections++;
      open(response).write(noticed(String(connections)));
      if (connections === 1) return; // silent from here on
      let signs = 0;
      const timer = setInterval(() => {
        response.write(': alive\n\n');
        if (++signs === 10) response.write(noticed('last'));
      }, 50);
      response.once('close', () => clearInterval(timer));
    });
    const all = await read(server, (seen) => ids(seen).at(-1) === 'last', { idleMs: 250 });
    expect(ids(all)).toEqual(['1', '2', 'last']);
  });

  it.each<[string, string, RegExp]>([
    ['an event that is none', sse('notice', { event: 'notice' }, '1'), /not understood/],
    ['a state that is none', sse('state', { runId: 'run-1' }), /not understood/],
    ['an event that has no end', `id: 1\ndata: ${'x'.repeat(5 * 1024 * 1024)}`, /buffer/],
  ])('fails at %s, and does not try again', async (_name, content, message) => {
    const server = await serve((_request, response) => void open(response).write(content));
    await expect(read(server, () => false)).rejects.toThrow(message);
    expect(server.asked).toHaveLength(1);
  });

  it('fails when the cluster refuses, or stays away', async () => {
    const refusing = await serve(problem(403, 'no', 'not you'));
    await expect(read(refusing, () => false)).rejects.toMatchObject({ code: 'forbidden' });
    const gone = await serve((request) => void request.destroy());
    await expect(read(gone, () => false, { giveUpAfterMs: 1000 })).rejects.toMatchObject({ code: 'unreachable' });
    expect(gone.asked.length).toBeGreaterThan(2);
  });

  it('closes its connection when the reader has seen enough', async () => {
    let closed: Promise<unknown> | undefined;
    const server = await serve((_request, response) => {
      closed = once(response, 'close');
      open(response).write(noticed('1'));
    });
    await read(server, (seen) => seen.length === 1);
    await closed;
  });
});

describe('watching', () => {
  const watch = async (content: string, signal = new AbortController().signal) => {
    const server = await startScriptedServer({
      'runs/run-1/events': (_request, response) => void open(response).write(content),
    });
    servers.push(server);
    const client = await ClusterClient.connect({ server: server.url, token });
    const seen: string[] = [];
    const sink = { handle: (event: RunEvent) => void seen.push(event.event), close: () => {} };
    const notices = { state: () => void seen.push('state'), connection: (said: string) => void seen.push(said) };
    return { client, seen, sink, notices, signal };
  };
  const state = (said: Parameters<typeof runSummary>[0]): string => sse('state', runSummary(said));

  it('ends with the run, and says how', async () => {
    const { client, seen, sink, notices, signal } = await watch(
      `${noticed('1')}${state({})}${sse('run-finished', { ...completed, outcome: 'interrupted' }, '2')}${state({ state: 'paused' })}${sse('run-finished', completed, '3')}`,
    );
    expect(await watchRun(client, 'run-1', sink, notices, signal)).toBe('completed');
    expect(seen).toEqual(['notice', 'state', 'run-finished', 'state', 'run-finished']);
  });

  it('ends when the state says so and no event does', async () => {
    const { client, seen, sink, notices, signal } = await watch(
      `${state({})}${state({ state: 'cancelled' })}${noticed('1')}`,
    );
    expect(await watchRun(client, 'run-1', sink, notices, signal)).toBe('cancelled');
    expect(seen).toEqual(['state', 'state', 'notice']);
  });

  it('of a run that is over ends when all that is kept of it has come', async () => {
    const { client, seen, sink, notices, signal } = await watch(
      `${noticed('1')}${state({ state: 'failed' })}${noticed('2')}`,
    );
    expect(await watchRun(client, 'run-1', sink, notices, signal)).toBe('failed');
    expect(seen).toEqual(['notice', 'state']);
  });

  it('of a run that failed once and was resumed goes on', async () => {
    const failed = { event: 'run-failed', runId: 'run-1', time: 1, code: 'test', message: 'it failed' };
    const { client, sink, notices, signal } = await watch(
      `${sse('run-failed', failed, '1')}${state({})}${sse('run-finished', completed, '2')}`,
    );
    expect(await watchRun(client, 'run-1', sink, notices, signal)).toBe('completed');
  });

  it('tells of events that are gone', async () => {
    const { client, seen, sink, notices, signal } = await watch(
      `event: gap\ndata: {}\n\n${state({ state: 'completed' })}`,
    );
    await watchRun(client, 'run-1', sink, notices, signal);
    expect(seen[0]).toContain('no longer kept');
  });

  it('for the past alone ends when it has caught up', async () => {
    const { client, seen, sink, notices, signal } = await watch(
      `${noticed('1')}${noticed('2')}${state({})}${noticed('3')}`,
    );
    await readHistory(client, 'run-1', sink, notices, signal);
    expect(seen).toEqual(['notice', 'notice']);
  });
});
