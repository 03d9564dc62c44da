import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { defaultCut } from '@elbo/vae-core/steps/step-plan';

/** The facts of a data set that a run depends on. */
export interface DatasetFacts {
  readonly hash: string;
  readonly dataDim: number;
  readonly examples: { readonly train: number; readonly validation: number; readonly test: number };
}

/** Makes every choice that the spec leaves open; nothing but the spec and the data set decides them. */
export function resolveRun(runId: string, spec: RunSpec, dataset: DatasetFacts): ResolvedRun {
  const { globalBatchSize } = spec.training;
  const cut = defaultCut(globalBatchSize);
  const shardsPerStep = Math.min(spec.training.shardsPerStep ?? cut.shardsPerStep, globalBatchSize);
  const shardSize = Math.ceil(globalBatchSize / shardsPerStep);
  const microbatchSize = Math.min(spec.training.microbatchSize ?? cut.microbatchSize, shardSize);
  return {
    runId,
    spec: { ...spec, training: { ...spec.training, shardsPerStep, microbatchSize } },
    datasetHash: dataset.hash,
    dataDim: dataset.dataDim,
    trainExamples: dataset.examples.train,
    validationExamples: dataset.examples.validation,
    testExamples: dataset.examples.test,
    shardsPerStep,
    microbatchSize,
  };
}
