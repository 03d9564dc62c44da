import { type RunSummary, runSummarySchema } from '@elbo/protocol/cluster';

export function runSummary(of: Partial<RunSummary>): RunSummary {
  return runSummarySchema.parse({
    runId: 'mnist-1a2b',
    name: 'mnist',
    dataset: 'mnist',
    state: 'running',
    submittedAt: 0,
    startedAt: null,
    endedAt: null,
    epoch: 0,
    epochs: 10,
    step: 0,
    totalSteps: null,
    latest: null,
    elboHistory: [],
    imagesPerSecond: 0,
    workers: 0,
    coordinator: null,
    parametersSha256: null,
    error: null,
    ...of,
  });
}
