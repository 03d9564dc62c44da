import type { RunState, RunSummary } from '@elbo/protocol/cluster';

const over: readonly RunState[] = ['completed', 'failed', 'cancelled'];

/** Whether nothing more will come of the run. */
export function isOver({ state }: Pick<RunSummary, 'state'>): boolean {
  return over.includes(state);
}
