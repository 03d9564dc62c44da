import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import { addTermSums } from '@elbo/vae-core/objectives/sum-terms';
import { betaAt } from '@elbo/vae-core/schedules/beta';
import { learningRateAt } from '@elbo/vae-core/schedules/learning-rate';
import { planStep, type StepPlan, stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import type { ContributionLedger } from './contribution-ledger.js';
import { evaluateEpoch } from './evaluate.js';
import { cutOf } from './resolve-run.js';
import type { RunReporter } from './run-reporter.js';
import type { RunState } from './run-state.js';
import { gradientJobs } from './shard-jobs.js';

export interface Conduct {
  readonly run: ResolvedRun;
  readonly lease: number;
  readonly state: RunState;
  readonly channel: RunChannel;
  readonly ledger: ContributionLedger;
  readonly reporter: RunReporter;
  /** Rejects when the run cannot go on: its lease is lost, a shard failed for good. */
  readonly failure: Promise<never>;
  /** Aborted when the run is to save and stop. */
  readonly signal: AbortSignal;
  /** Makes the state durable. */
  checkpoint(): Promise<void>;
}

/** The way of a run: every step is planned, dispatched, collected, averaged, applied and published, in this order. */
export async function conductRun(conduct: Conduct): Promise<'completed' | 'interrupted'> {
  const { run, state, channel, ledger, reporter, failure, signal } = conduct;
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
    await channel.dispatch(jobs);
    reporter.beginEpoch();
  };

  if (state.step < totalSteps) await begin();
  while (state.step < totalSteps) {
    const { step } = state;
    const { epoch, sampleCount } = plan(step);
    const endsEpoch = (step + 1) % perEpoch === 0;

    // The next step's jobs wait in the queue while this one is computed: that hides the queue's latency.
    const nextJobs = endsEpoch ? [] : jobsOf(step + 1);
    const dispatched = channel.dispatch(nextJobs);
    const contributions = await Promise.race([ledger.collect(), failure]);
    const rates = { beta: betaAt(objective, step), learningRate: learningRateAt(training, totalSteps, step) };
    const { gradientNorm } = state.optimizer.update({
      parameters: state.parameters,
      contributions: contributions.map((contribution) => contribution.gradient as Float32Array),
      sampleCount,
      learningRate: rates.learningRate,
      step,
      clipGlobalNorm: training.clipGlobalNorm,
    });
    state.step = step + 1;
    ledger.close();
    if (!endsEpoch) ledger.open(nextJobs);
    channel.publish(state.step, state.parameters);
    const terms = addTermSums(contributions.map((contribution) => contribution.terms));
    reporter.step({ epoch: epoch + 1, step: state.step, terms, gradientNorm, ...rates });
    await dispatched;

    if (endsEpoch) await evaluateEpoch(conduct, epoch + 1);
    const interrupted = signal.aborted && state.step < totalSteps;
    if (endsEpoch || interrupted) await conduct.checkpoint();
    if (interrupted) return 'interrupted';
    if (endsEpoch && state.step < totalSteps) await begin();
  }
  return 'completed';
}
