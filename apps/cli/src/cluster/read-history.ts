import type { EventSink } from '../progress/event-sink.js';
import type { ClusterClient } from './cluster-client.js';
import { streamRun } from './run-stream.js';
import type { WatchNotices } from './watch-run.js';

/** Passes the events on that are kept of a run. @throws ClusterError */
export async function readHistory(
  client: ClusterClient,
  runId: string,
  sink: EventSink,
  notices: WatchNotices,
  signal: AbortSignal,
): Promise<void> {
  for await (const each of streamRun(client.address, runId, { signal })) {
    if (each.kind === 'event') sink.handle(each.placed.event);
    if (each.kind === 'lost') notices.connection(`${each.error.message}; trying again`);
    // The first state comes after all that is kept.
    if (each.kind === 'state') return;
  }
}
