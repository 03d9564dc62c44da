import type { SplitName, TermSums } from '@elbo/protocol/messages';
import { addTermSums } from '@elbo/vae-core/objectives/sum-terms';
import { planEvaluation } from '@elbo/vae-core/steps/step-plan';
import type { Conduct } from './conduct-run.js';
import { evaluationJobs } from './shard-jobs.js';

/** Evaluates the test and validation splits at the present parameters, over the workers, and reports the epoch. */
export async function evaluateEpoch(conduct: Conduct, epoch: number): Promise<void> {
  const { run, reporter, state } = conduct;
  const test = await evaluateSplit(conduct, epoch, 'test', run.testExamples);
  const validation = await evaluateSplit(conduct, epoch, 'validation', run.validationExamples);
  reporter.epoch({ epoch, step: state.step, test, validation });
}

async function evaluateSplit(
  conduct: Conduct,
  epoch: number,
  split: SplitName,
  examples: number,
): Promise<TermSums | null> {
  if (examples === 0) return null;
  const { channel, ledger, state, failure } = conduct;
  const jobs = evaluationJobs(conduct, { epoch, split, parameterVersion: state.step }, planEvaluation(examples).length);
  ledger.open(jobs);
  await channel.dispatch(jobs);
  const contributions = await Promise.race([ledger.collect(), failure]);
  ledger.close();
  return addTermSums(contributions.map((contribution) => contribution.terms));
}
