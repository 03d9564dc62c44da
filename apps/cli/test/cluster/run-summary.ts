import { type RunSummary, runSummarySchema } from '@elbo/protocol/cluster';

/** A run as a cluster tells of it. */
export function runSummary(said: Partial<RunSummary> = {}): RunSummary {
  return runSummarySchema.parse({
    runId: 'run-1',
    name: 'run',
    dataset: 'mnist',
    state: 'running',
    submittedAt: 1000,
    startedAt: 2000,
    endedAt: null,
    epoch: 0,
    epochs: 2,
    step: 3,
    totalSteps: 10,
    latest: null,
    elboHistory: [],
    imagesPerSecond: 0,
    workers: 0,
    coordinator: null,
    parametersSha256: null,
    error: null,
    ...said,
  });
}
