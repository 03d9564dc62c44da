import { setTimeout as delay } from 'node:timers/promises';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventStream, type StreamEvent } from '../support/event-stream.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { ApiUnderTest, notice } from '../support/served-api.js';

const spec = runSpecSchema.parse({ dataset: { name: 'mnist' } });
const kinds = (events: readonly StreamEvent[]) => events.map(({ event }) => event);
const messages = (events: readonly StreamEvent[]) =>
  events.flatMap(({ event, data }) => (event === 'notice' ? [JSON.parse(data).message as string] : []));
const hasState = (events: readonly StreamEvent[]) => events.some(({ event }) => event === 'state');

describe.skipIf(!redisForTests)('watching over the HTTP API', () => {
  let redis: TestRedis;
  let api: ApiUnderTest;
  const open: EventStream[] = [];
  beforeAll(async () => {
    redis = await startTestRedis();
    api = await ApiUnderTest.start(redis);
  });
  afterEach(() => {
    for (const stream of open.splice(0)) stream.close();
  });
  afterAll(async () => {
    await api?.stop();
    await redis?.stop();
  });
  const watch = async (path: string, headers: Record<string, string> = {}, of = api) => {
    const stream = await EventStream.open((init) => of.fetch(`/api/v1/${path}`, { ...init, headers }));
    open.push(stream);
    return stream;
  };

  it('a run: what is kept, then the state, then what happens, each event once', async () => {
    const run = await api.conducted('watched-1');
    for (let i = 0; i < 20; i++) run.event(notice('watched-1', `before ${i}`));
    await vi.waitFor(async () => expect((await api.directory.eventsAfter('watched-1', null)).events).toHaveLength(20), {
      timeout: 20_000,
    });
    const first = await watch('runs/watched-1/events?from=start');
    expect(first.response.headers.get('content-type')).toBe('text/event-stream');
    const before = [...(await first.until(hasState))];
    const second = await watch('runs/watched-1/events?from=start');
    const late = await watch('runs/watched-1/events');
    await late.until(hasState);
    expect(messages(late.events)).toEqual([]);
    for (let i = 0; i < 20; i++) run.event(notice('watched-1', `after ${i}`));
    const told = (events: readonly StreamEvent[]) => messages(events).includes('after 19');
    await Promise.all([first.until(told), second.until(told), late.until(told)]);
    const beforehand = Array.from({ length: 20 }, (_, i) => `before ${i}`);
    const afterwards = Array.from({ length: 20 }, (_, i) => `after ${i}`);
    expect(messages(before)).toEqual(beforehand);
    expect(kinds(before).at(-1)).toBe('state');
    expect(messages(first.events)).toEqual([...beforehand, ...afterwards]);
    expect(messages(second.events)).toEqual([...beforehand, ...afterwards]);
    expect(messages(late.events)).toEqual(afterwards);
  });

  it('goes on after the last event seen, however it is named', async () => {
    const run = await api.conducted('watched-2');
    for (let i = 0; i < 10; i++) run.event(notice('watched-2', `${i}`));
    const whole = await watch('runs/watched-2/events?from=start');
    await whole.until((events) => messages(events).includes('9'));
    const id = whole.events.filter(({ event }) => event === 'notice')[3]?.id ?? '';
    const byHeader = await watch('runs/watched-2/events?after=1-0', { 'last-event-id': id });
    const byQuery = await watch(`runs/watched-2/events?after=${id}`);
    for (const stream of [byHeader, byQuery]) {
      expect(messages(await stream.until(hasState))).toEqual(['4', '5', '6', '7', '8', '9']);
      expect(kinds(stream.events)).not.toContain('gap');
    }
  });

  it('says so when events between are gone', async () => {
    const run = await api.conducted('watched-3');
    run.event(notice('watched-3', 'first'));
    const whole = await watch('runs/watched-3/events?from=start');
    await whole.until((events) => messages(events).includes('first'));
    const { id = '' } = whole.events.find(({ event }) => event === 'notice') ?? {};
    for (let i = 1; i <= 1200; i++) {
      run.event(notice('watched-3', `${i}`));
      if (i % 400 === 0) await whole.until((events) => messages(events).includes(`${i}`));
    }
    const back = await watch(`runs/watched-3/events?after=${id}`);
    expect(kinds(await back.until(hasState))[0]).toBe('gap');
    expect(messages(back.events).at(-1)).toBe('1200');
    const stranger = await watch('runs/watched-3/events', { 'last-event-id': '999999-0' });
    expect(kinds(await stranger.until(hasState))[0]).toBe('gap');
  });

  it('tells every change of state', async () => {
    await api.directory.submit('watched-4', spec, { priority: 'high', workerLimit: null });
    const stream = await watch('runs/watched-4/events');
    await stream.until(hasState);
    const paused = await api.json('/api/v1/runs/watched-4/pause', { method: 'POST' });
    expect(paused).toMatchObject({ status: 200, body: { state: 'paused' } });
    const states = (events: readonly StreamEvent[]) =>
      events.flatMap(({ event, data }) => (event === 'state' ? [JSON.parse(data).state as string] : []));
    await stream.until((events) => states(events).includes('paused'));
    await api.json('/api/v1/runs/watched-4/cancel', { method: 'POST' });
    await stream.until((events) => states(events).includes('cancelled'));
    expect(states(stream.events)).toEqual(['queued', 'paused', 'cancelled']);
    expect(await api.json('/api/v1/runs/watched-4/resume', { method: 'POST' })).toMatchObject({
      status: 409,
      body: { code: 'run-over' },
    });
  });

  it('the cluster: all at first, and again when something changed', async () => {
    const stream = await watch('events');
    await stream.until((events) => kinds(events).includes('runs') && kinds(events).includes('workers'));
    const { length } = stream.events;
    await delay(1200); // nothing happens
    expect(stream.events).toHaveLength(length);
    await api.directory.submit('watched-5', spec, { priority: 'low', workerLimit: 2 });
    await stream.until((events) => events.some(({ data }) => data.includes('watched-5')));
  });

  it('refuses what is no run and no place', async () => {
    const status = async (path: string, headers = {}) => (await watch(path, headers)).response.status;
    expect(await status('runs/unknown-run/events')).toBe(404);
    expect(await status('runs/NOT%20A%20RUN/events')).toBe(400);
    expect(await status('runs/watched-1/events?from=end')).toBe(400);
    expect(await status('runs/watched-1/events', { 'last-event-id': 'x\ty' })).toBe(400);
  });

  it('reads once for all who watch, and not at all for nobody', async () => {
    const counted = countCalls(api.directory);
    const other = await ApiUnderTest.start(redis, { directory: counted.directory });
    try {
      const streams = await Promise.all(
        Array.from({ length: 50 }, () => watch('runs/watched-1/events?from=start', {}, other)),
      );
      await Promise.all(streams.map((stream) => stream.until(hasState)));
      counted.calls.clear();
      await delay(2100);
      expect(counted.calls.get('eventsAfter')).toBeLessThanOrEqual(5);
      expect(counted.calls.get('eventsAfter')).toBeGreaterThanOrEqual(1);
      for (const stream of streams) stream.close();
      await delay(700);
      counted.calls.clear();
      await delay(1200);
      expect(counted.calls.size).toBe(0);
    } finally {
      await other.stop();
    }
  });
});

/** The directory, with how often each of its methods was called. */
function countCalls(directory: RunDirectory): { directory: RunDirectory; calls: Map<string, number> } {
  const calls = new Map<string, number>();
  const counting = new Proxy(directory, {
    get(target, name: keyof RunDirectory & string) {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return (target[name] as () => unknown).bind(target);
    },
  });
  return { directory: counting, calls };
}
