import { setImmediate } from 'node:timers/promises';
import { addTermSums } from '@elbo/vae-core/objectives/sum-terms';
import { betaAt } from '@elbo/vae-core/schedules/beta';
import { learningRateAt } from '@elbo/vae-core/schedules/learning-rate';
import { cutOf, planStep, type StepPlan, stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import { applyStep } from './apply-step.js';
import type { Conduct } from './conduct.js';
import { evaluateEpoch } from './evaluate.js';
import { gradientJobs } from './shard-jobs.js';
import { unlessStopped } from './unless-stopped.js';

/** The way of a run: every step is planned, dispatched, collected, averaged, applied and published, in this order. */
export async function conductRun(conduct: Conduct): Promise<'completed' | 'interrupted'> {
  const { run, state, channel, ledger, reporter, checkpointer, failure, signal, onPhase } = conduct;
  const { training, objective } = run.spec;
  const perEpoch = stepsPerEpoch(run.trainExamples, training.globalBatchSize);
  const totalSteps = perEpoch * training.epochs;
  const plan = (step: number): StepPlan => planStep(cutOf(run), run.trainExamples, step);
  const jobsOf = (step: number) => gradientJobs(conduct, step, plan(step).shards.length);

  // A round is open before its parameters are published: its first contribution may follow at once.
  const begin = async () => {
    const jobs = jobsOf(state.step);
    ledger.open(jobs);
    channel.publish(state.step, state.parameters);
    onPhase('before-dispatch', state.step);
    await channel.dispatch(jobs);
    reporter.beginEpoch();
  };

  if (isEpochReportDue(conduct)) {
    channel.publish(state.step, state.parameters);
    if (!(await evaluateEpoch(conduct, state.step / perEpoch))) return saveAndStop(conduct);
  }
  if (state.step < totalSteps) await begin();
  while (state.step < totalSteps) {
    const { step } = state;
    const { epoch, sampleCount } = plan(step);
    const endsEpoch = (step + 1) % perEpoch === 0;

    // The next step's jobs wait in the queue while this one is computed: that hides the queue's latency.
    const nextJobs = endsEpoch ? [] : jobsOf(step + 1);
    const dispatched = channel.dispatch(nextJobs);
    dispatched.catch(failure.fail);
    const contributions = await failure.guard(unlessStopped(ledger.collect(), signal));
    if (!contributions) return saveAndStop(conduct);
    const rates = { beta: betaAt(objective, step), learningRate: learningRateAt(training, totalSteps, step) };
    const gradientNorm = await reporter.phases.reducing(() => {
      return applyStep(conduct, contributions, sampleCount, rates.learningRate);
    });
    state.step = step + 1;
    onPhase('after-update', state.step);
    ledger.close();
    if (!endsEpoch) ledger.open(nextJobs);
    channel.publish(state.step, state.parameters);
    onPhase('during-publish', state.step);
    // Workers have their shards before people have their figures: in one turn of the event loop they are handed out, and
    // in the next this thread computes its own, where it is one of the threads.
    for (let turn = 0; turn < 2 && !endsEpoch; turn++) await setImmediate();
    const terms = addTermSums(contributions.map((contribution) => contribution.terms));
    if (gradientNorm !== null) reporter.step({ epoch: epoch + 1, step: state.step, terms, gradientNorm, ...rates });
    await failure.guard(dispatched);

    if (endsEpoch && !(await evaluateEpoch(conduct, epoch + 1))) return saveAndStop(conduct);
    if (state.step === totalSteps) break;
    if (signal.aborted) return saveAndStop(conduct);
    if (endsEpoch) {
      await failure.guard(checkpointer.saveEpoch(reporter.progress()));
      await begin();
    } else {
      checkpointer.saveIfDue(() => reporter.progress());
    }
  }
  await failure.guard(checkpointer.saveAndSettle(reporter.progress()));
  return 'completed';
}

async function saveAndStop({ checkpointer, reporter, failure }: Conduct): Promise<'interrupted'> {
  await failure.guard(checkpointer.saveAndSettle(reporter.progress()));
  return 'interrupted';
}

/** Whether an epoch's steps are done and its report is not: the run was stopped while it was evaluated. */
export function isEpochReportDue({ run, state, reporter }: Pick<Conduct, 'run' | 'state' | 'reporter'>): boolean {
  const perEpoch = stepsPerEpoch(run.trainExamples, run.spec.training.globalBatchSize);
  return state.step % perEpoch === 0 && reporter.progress().terms !== null;
}
