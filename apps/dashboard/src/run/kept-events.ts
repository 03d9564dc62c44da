import type { RunEvent } from '@elbo/protocol/events';

export const mostKeptEvents = 300;

/**
 * The events with one more, newest last. Of too many the oldest epochs and checkpoints go first: that a run began, and
 * what it warned of, is told to its end.
 */
export function remember(events: readonly RunEvent[], event: RunEvent): readonly RunEvent[] {
  // The stream repeats what it has sent when a connection is lost between an event and its id.
  const written = JSON.stringify(event);
  if (events.some((other) => other.time === event.time && JSON.stringify(other) === written)) return events;
  const all = [...events, event];
  if (all.length <= mostKeptEvents) return all;
  const least = all.findIndex((other) => other.event === 'epoch' || other.event === 'checkpoint');
  return all.toSpliced(Math.max(0, least), 1);
}
