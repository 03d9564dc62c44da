import type { RunState, RunSummary } from '@elbo/protocol/cluster';
import type { RunEvent } from '@elbo/protocol/events';
import type { EventSink } from '../progress/event-sink.js';
import type { ClusterClient } from './cluster-client.js';
import { streamRun } from './run-stream.js';

/** What a watcher is told beside the run's events. */
export interface WatchNotices {
  /** The run is in another state, or the first that is known. */
  state(summary: RunSummary): void;
  /** Something about the connection that explains what is seen. */
  connection(message: string): void;
}

const overStates: ReadonlySet<RunState> = new Set(['completed', 'failed', 'cancelled', 'interrupted']);
/** The last events of a run may come after the news that it is over. */
const lastEventsWithinMs = 1500;

/**
 * Passes a run's events on until it is over, and resolves with the state that it ended in; null when the signal ended
 * the watching.
 * @throws ClusterError
 */
export async function watchRun(
  client: ClusterClient,
  runId: string,
  sink: EventSink,
  notices: WatchNotices,
  signal: AbortSignal,
): Promise<RunState | null> {
  const enough = new AbortController();
  let known: RunState | null = null;
  let lost = false;
  const stream = streamRun(client.address, runId, { signal: AbortSignal.any([signal, enough.signal]) });
  for await (const each of stream) {
    if (each.kind === 'lost') {
      if (!lost) notices.connection(`${each.error.message}; trying again`);
      lost = true;
      continue;
    }
    if (lost) notices.connection('the connection is back');
    lost = false;
    if (each.kind === 'gap')
      notices.connection('some events are no longer kept: metrics.ndjson in the run folder has all');
    if (each.kind === 'event') {
      sink.handle(each.placed.event);
      const end = endOf(each.placed.event);
      // Before the first state it is history: a run that failed once may have been resumed since.
      if (end && known) return end;
    }
    if (each.kind !== 'state' || each.summary.state === known) continue;
    const caughtUp = known === null;
    known = each.summary.state;
    notices.state(each.summary);
    if (!overStates.has(known)) continue;
    if (caughtUp) return known;
    setTimeout(() => enough.abort(), lastEventsWithinMs);
  }
  return signal.aborted ? null : known;
}

/** The state that an event leaves a run in for good. An interrupted run may be paused, or taken over. */
function endOf(event: RunEvent): RunState | null {
  if (event.event === 'run-failed') return 'failed';
  return event.event === 'run-finished' && event.outcome === 'completed' ? 'completed' : null;
}
