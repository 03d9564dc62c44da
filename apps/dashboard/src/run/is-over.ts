import type { RunState, RunSummary } from '@elbo/protocol/cluster';

const over: readonly RunState[] = ['completed', 'failed', 'cancelled'];

/** Whether nothing more will come of the run. */
export function isOver({ state }: Pick<RunSummary, 'state'>): boolean {
  return over.includes(state);
}

/** Whether it was begun and nobody works at it now: what passed since its start is not the time that it took. */
export function isWaiting({ state, startedAt }: Pick<RunSummary, 'state' | 'startedAt'>): boolean {
  return startedAt !== null && (state === 'paused' || state === 'queued');
}
