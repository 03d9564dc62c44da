import { setTimeout as delay } from 'node:timers/promises';
import { type PlacedEvent, type RunSummary, runSummarySchema } from '@elbo/protocol/cluster';
import { runEventSchema } from '@elbo/protocol/events';
import { type EventSourceMessage, EventSourceParserStream, ParseError } from 'eventsource-parser/stream';
import type { ClusterError } from '../errors.js';
import type { ClusterAddress } from './address.js';
import { readJson, runPath } from './cluster-client.js';
import { notElbo, request, unreachable } from './request.js';

/** What comes of a watched run. */
export type RunSignal =
  | { readonly kind: 'event'; readonly placed: PlacedEvent }
  | { readonly kind: 'state'; readonly summary: RunSummary }
  /** Events between the one before and the next are no longer kept. */
  | { readonly kind: 'gap' }
  /** The connection broke, and is tried again. */
  | { readonly kind: 'lost'; readonly error: ClusterError };

export interface RunStreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Without a byte for so long the connection counts as broken. */
  readonly idleMs?: number;
  readonly firstRetryMs?: number;
  /** Without an answer for so long the stream fails. */
  readonly giveUpAfterMs?: number;
}

const maxEventCharacters = 4 * 1024 * 1024;
const longestRetryMs = 10_000;

/**
 * A run's events from the first that is kept, and its state whenever that changes; goes on after the last event seen
 * when the connection breaks. Ends only by its signal: the reader knows when it has seen enough.
 * @throws ClusterError when the cluster refuses, or stays away
 */
export async function* streamRun(
  address: ClusterAddress,
  runId: string,
  { signal, idleMs = 60_000, firstRetryMs = 500, giveUpAfterMs = 120_000 }: RunStreamOptions,
): AsyncGenerator<RunSignal, void> {
  let lastId: string | null = null;
  let retryMs = firstRetryMs;
  let lastHeard = performance.now();
  while (!signal.aborted) {
    try {
      for await (const message of connection(address, runId, lastId, idleMs, signal)) {
        lastHeard = performance.now();
        retryMs = firstRetryMs;
        const read = readMessage(message, address.server);
        if (read?.kind === 'event') lastId = read.placed.id;
        if (read) yield read;
      }
      if (signal.aborted) return;
      throw unreachable(address.server, new Error('the connection was closed'));
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof ParseError) throw notElbo(address.server, thrown.message);
      const error = unreachable(address.server, thrown);
      if (error.code !== 'unreachable' || performance.now() - lastHeard > giveUpAfterMs) throw error;
      yield { kind: 'lost', error };
    }
    await delay(retryMs, undefined, { signal }).catch(() => {}); // an abort ends the loop
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }
}

async function* connection(
  address: ClusterAddress,
  runId: string,
  lastId: string | null,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage, void> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`nothing came for ${idleMs / 1000} s`)), idleMs);
  try {
    const path = `${runPath(runId)}/events${lastId === null ? '?from=start' : ''}`;
    const { body } = await request(address, path, {
      headers: { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) },
      signal: AbortSignal.any([signal, idle.signal]),
    });
    if (!body) return;
    const messages = body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(
        new EventSourceParserStream({ maxBufferSize: maxEventCharacters, onComment: () => timer.refresh() }),
      );
    for await (const message of messages) {
      timer.refresh();
      yield message;
    }
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

function readMessage({ event, id, data }: EventSourceMessage, server: string): RunSignal | null {
  if (event === 'gap') return { kind: 'gap' };
  if (event === 'state') return { kind: 'state', summary: readJson(data, runSummarySchema, server) };
  // Without a place it is none of the run's events: a sign of life.
  if (id === undefined) return null;
  return { kind: 'event', placed: { id, event: readJson(data, runEventSchema, server) } };
}
