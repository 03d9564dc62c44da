import type { SplitName, TermSums } from '@elbo/protocol/messages';
import { addTermSums } from '@elbo/vae-core/objectives/sum-terms';
import { planEvaluation } from '@elbo/vae-core/steps/step-plan';
import type { Conduct } from './conduct.js';
import { NonFiniteError } from './errors.js';
import { nonFiniteTerms } from './non-finite.js';
import { evaluationJobs } from './shard-jobs.js';
import { unlessStopped } from './unless-stopped.js';

/**
 * Evaluates the test and validation splits at the present parameters, over the workers, draws and reports the epoch.
 * @returns false, and nothing is reported, when the run was stopped while it waited for workers
 */
export async function evaluateEpoch(conduct: Conduct, epoch: number): Promise<boolean> {
  const { run, reporter, state } = conduct;
  const test = await evaluateSplit(conduct, epoch, 'test', run.testExamples);
  if (test === 'stopped') return false;
  const validation = await evaluateSplit(conduct, epoch, 'validation', run.validationExamples);
  if (validation === 'stopped') return false;
  // Who is told of the epoch finds its pictures.
  await conduct.drawEpoch(epoch);
  reporter.epoch({ epoch, step: state.step, test, validation });
  return true;
}

async function evaluateSplit(
  conduct: Conduct,
  epoch: number,
  split: SplitName,
  examples: number,
): Promise<TermSums | 'stopped' | null> {
  if (examples === 0) return null;
  const { channel, ledger, state, failure, signal } = conduct;
  const jobs = evaluationJobs(conduct, { epoch, split, parameterVersion: state.step }, planEvaluation(examples).length);
  ledger.open(jobs);
  await channel.dispatch(jobs);
  const contributions = await failure.guard(unlessStopped(ledger.collect(), signal));
  ledger.close();
  if (!contributions) return 'stopped';
  const problem = nonFiniteTerms(`the ${split} evaluation of epoch ${epoch}`, contributions);
  if (problem !== null) return withoutEvaluation(conduct, problem);
  return addTermSums(contributions.map((contribution) => contribution.terms));
}

/** @throws NonFiniteError unless the spec says to go on: then the epoch is reported without this evaluation. */
async function withoutEvaluation({ run, state, reporter, checkpointer }: Conduct, problem: string): Promise<null> {
  if (run.spec.training.onNonFinite === 'stop') {
    await checkpointer.saveAndSettle(reporter.progress());
    throw new NonFiniteError(run.runId, state.step, problem);
  }
  reporter.notice('warning', 'evaluation-skipped', `${problem}. The epoch is reported without it`);
  return null;
}
