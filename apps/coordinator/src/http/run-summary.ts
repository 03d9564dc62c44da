import type { RunDetail, RunSummary } from '@elbo/protocol/cluster';

/** A run without what only its detail has. */
export function summaryOf(run: RunDetail): RunSummary {
  const {
    spec: _,
    parameterCount: __,
    trainExamples: ___,
    testExamples: ____,
    klPerDimension: _____,
    ...summary
  } = run;
  return summary;
}
