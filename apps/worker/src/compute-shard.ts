import type { NonFinite, ShardJob, TermSums } from '@elbo/protocol/messages';
import { addTermSums, zeroTerms } from '@elbo/vae-core/objectives/sum-terms';
import { betaAt } from '@elbo/vae-core/schedules/beta';
import {
  cutBySize,
  cutOf,
  evaluationMicrobatchSize,
  planEvaluation,
  planStep,
  type Range,
} from '@elbo/vae-core/steps/step-plan';
import type { RunContext } from './run-contexts.js';
import type { EvaluationTask, GradientTask, ThreadResult } from './threads/messages.js';
import type { ComputePool } from './threads/thread-pool.js';

export interface ShardResult {
  readonly terms: TermSums;
  /** The first example that has no finite terms, and then the terms are zeros. */
  readonly nonFinite?: NonFinite;
  /** Thread time, summed over microbatches, milliseconds. */
  readonly computeMs: number;
}

type GradientJob = Extract<ShardJob, { kind: 'gradient' }>;
type EvaluationJob = Extract<ShardJob, { kind: 'evaluation' }>;

/**
 * Computes a shard's gradient, the sum over its examples, into `target`: one microbatch a task, and their
 * gradients added in microbatch order, ((m0 + m1) + m2) + ..., whatever order they are done in.
 */
export async function computeGradientShard(
  pool: ComputePool,
  context: RunContext,
  job: GradientJob,
  parameters: Float32Array,
  target: Float32Array,
): Promise<ShardResult> {
  const { run, threadRun, kernels, scratch } = context;
  const plan = planStep(cutOf(run), run.trainExamples, job.step);
  const microbatches = cutBySize(shardRange(plan.shards, job.shard), run.microbatchSize);
  const { arena } = kernels;
  const shared = { threadRun, parameters: arena.refOf(parameters), parameterVersion: job.parameterVersion };
  const beta = betaAt(run.spec.objective, job.step);
  // A worker with several parts of a step has another of them next.
  const prepareNext = microbatches.length === 1 && run.shardsPerStep <= 2;
  const task = (range: Range, buffer: Float32Array): GradientTask => {
    return {
      kind: 'gradient',
      ...shared,
      range,
      epoch: plan.epoch,
      step: job.step,
      beta,
      prepareNext,
      target: arena.refOf(buffer),
    };
  };

  const results: ThreadResult[] = [];
  const lent: Float32Array[] = [];
  const running: Promise<ThreadResult>[] = [];
  let started = 0;
  try {
    for (let next = 0; next < microbatches.length; next++) {
      while (started < microbatches.length && started < next + scratch.window) {
        const buffer = started === 0 ? target : scratch.lend();
        if (started > 0) lent.push(buffer);
        const result = pool.run(task(microbatches[started++] as Range, buffer));
        result.catch(() => {}); // it is awaited below, in order; until then a failure must not count as unhandled
        running.push(result);
      }
      results.push(await (running[next] as Promise<ThreadResult>));
      if (next > 0) {
        const gradient = lent.shift() as Float32Array;
        kernels.addInto(target, gradient);
        scratch.giveBack(gradient);
      }
    }
  } catch (error) {
    await Promise.allSettled(running);
    for (const buffer of lent) scratch.giveBack(buffer);
    throw error;
  }
  return joinResults(results);
}

/** Computes the terms of an evaluation shard. */
export async function computeEvaluationShard(
  pool: ComputePool,
  context: RunContext,
  job: EvaluationJob,
  parameters: Float32Array,
): Promise<ShardResult> {
  const { run, threadRun, kernels } = context;
  const examples = { train: run.trainExamples, validation: run.validationExamples, test: run.testExamples }[job.split];
  const { parameterVersion } = job;
  const shared = { threadRun, parameters: kernels.arena.refOf(parameters), parameterVersion };
  const tasks = cutBySize(shardRange(planEvaluation(examples), job.shard), evaluationMicrobatchSize).map(
    (range): EvaluationTask => ({ kind: 'evaluation', ...shared, range, epoch: job.epoch, split: job.split }),
  );
  return joinResults(await Promise.all(tasks.map((task) => pool.run(task))));
}

function shardRange(shards: readonly Range[], shard: number): Range {
  const range = shards[shard];
  if (!range) throw new RangeError(`shard ${shard} does not exist: the step has ${shards.length}`);
  return range;
}

function joinResults(results: readonly ThreadResult[]): ShardResult {
  const nonFinite = results.find((result) => result.nonFinite)?.nonFinite;
  const terms = addTermSums(results.map((result) => result.terms));
  return {
    ...(nonFinite ? { terms: zeroTerms(terms), nonFinite } : { terms }),
    computeMs: results.reduce((sum, result) => sum + result.computeMs, 0),
  };
}
