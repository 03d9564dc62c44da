import type { RunState, RunSummary } from '@elbo/protocol/cluster';

export const stateGroups = {
  all: ['queued', 'running', 'paused', 'completed', 'interrupted', 'failed', 'cancelled'],
  active: ['queued', 'running', 'paused'],
  completed: ['completed'],
  stopped: ['interrupted', 'failed', 'cancelled'],
} as const satisfies Record<string, readonly RunState[]>;
export type StateGroup = keyof typeof stateGroups;

/** Runs of the group whose id, name, data set or state hold every word. */
export function filterRuns(runs: readonly RunSummary[], group: StateGroup, text: string): RunSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const states: readonly RunState[] = stateGroups[group];
  return runs.filter(({ runId, name, dataset, state }) => {
    const written = `${runId} ${name} ${dataset} ${state}`.toLowerCase();
    return states.includes(state) && words.every((word) => written.includes(word));
  });
}
