import { NonFiniteGradientError } from '@elbo/vae-core/optimizers/errors';
import type { Conduct } from './conduct.js';
import type { Contribution } from './contribution-ledger.js';
import { NonFiniteError } from './errors.js';
import { nonFiniteGradient, nonFiniteTerms } from './non-finite.js';

/**
 * Averages the contributions of the step at hand and updates the parameters with them.
 * @returns the norm of the averaged gradient; null when the step had no finite gradient and the spec says to skip it:
 * nothing was changed then.
 * @throws NonFiniteError when the spec says to stop; the state before the step is saved then.
 */
export async function applyStep(
  conduct: Conduct,
  contributions: readonly Contribution[],
  sampleCount: number,
  learningRate: number,
): Promise<number | null> {
  const { run, state, reporter, checkpointer } = conduct;
  const { training } = run.spec;
  const round = `step ${state.step + 1}`;
  const problem = nonFiniteTerms(round, contributions) ?? tryUpdate();
  if (typeof problem === 'number') return problem;
  if (training.onNonFinite === 'skip') {
    reporter.skipped(problem);
    return null;
  }
  await checkpointer.saveAndSettle(reporter.progress());
  throw new NonFiniteError(run.runId, state.step, problem);

  function tryUpdate(): number | string {
    try {
      return state.optimizer.update({
        parameters: state.parameters,
        contributions: contributions.map((contribution) => contribution.gradient as Float32Array),
        sampleCount,
        learningRate,
        step: state.step,
        clipGlobalNorm: training.clipGlobalNorm,
      }).gradientNorm;
    } catch (error) {
      if (!(error instanceof NonFiniteGradientError)) throw error;
      return nonFiniteGradient(round, run, state.model, error);
    }
  }
}
