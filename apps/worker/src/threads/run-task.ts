import { isMainThread } from 'node:worker_threads';
import { collectGarbage } from '@elbo/vae-core/kernels/collect-garbage';
import type { SharedUpdate } from '@elbo/vae-core/optimizers/shared-update';
import { evaluationDraw } from '@elbo/vae-core/steps/evaluation-draw';
import { workerData } from 'piscina';
import { Lookout } from './lookout.js';
import {
  type EvaluationTask,
  type GradientTask,
  type ThreadResult,
  type ThreadRun,
  type ThreadSettings,
  type ThreadTask,
  unknownRun,
} from './messages.js';
import { sumFiniteTerms } from './sum-finite-terms.js';
import { ThreadState } from './thread-state.js';

/** The thread's side of the Piscina pool: one task is one microbatch. */

/** Runs that a thread keeps, the least recently used first. */
const mostRuns = 6;
/** One that it did nothing for in so long goes when another comes. */
const forgottenMs = 30_000;

const states = new Map<string, { readonly state: Promise<ThreadState>; readonly usedAt: number }>();

/** Null on a thread that is not a pool's. */
const settings = isMainThread ? null : (workerData as ThreadSettings);
const lookout = settings && settings.lookoutMs > 0 ? new Lookout(settings.lookoutMs, () => helped?.help()) : null;
/** The update that may need help next. */
let helped: SharedUpdate | null = null;
let preparing: NodeJS.Immediate | undefined;

export default async function runTask(task: ThreadTask): Promise<ThreadResult | typeof unknownRun> {
  // One that came so soon computes from the buffers that would be prepared.
  clearImmediate(preparing);
  lookout?.end();
  const state = await stateOf(task.threadRun);
  if (!state) return unknownRun;
  if (task.kind === 'evaluation') return evaluate(state, task);
  const result = await computeGradient(state, task);
  // After the result has gone out.
  if (task.prepareNext) preparing = setImmediate(() => state.batches.prepareNext(task));
  helped = state.update;
  lookout?.begin();
  return result;
}

async function computeGradient(state: ThreadState, task: GradientTask): Promise<ThreadResult> {
  const started = performance.now();
  const { monteCarloSamples } = state.threadRun.run.spec.objective;
  const { examples, x, epsilon } = state.batches.of(task);
  const parameters = state.parametersOf(task.parameterVersion, task.parameters);
  const gradient = await state.engine.compileGradient(state.model, monteCarloSamples, examples.length);
  const batchTerms = await gradient({ parameters, x, epsilon, beta: task.beta }, state.gradient);
  state.arena.view(task.target).set(state.gradient);
  const result = sumFiniteTerms(state.model, batchTerms, examples, task.range, state.gradient);
  return { ...result, computeMs: performance.now() - started };
}

async function evaluate(state: ThreadState, task: EvaluationTask): Promise<ThreadResult> {
  const started = performance.now();
  const { monteCarloSamples } = state.threadRun.run.spec.objective;
  const examples = state.examplesAt(task.split, task.epoch, task.range.begin, task.range.end, false);
  const x = state.readExamples('evaluation', task.split, examples, task.epoch);
  const draw = evaluationDraw(task.epoch, task.split);
  const epsilon = state.drawEpsilon('evaluation', draw, examples);
  const parameters = state.parametersOf(task.parameterVersion, task.parameters);
  const evaluation = await state.engine.compileEvaluation(state.model, monteCarloSamples, examples.length);
  const batchTerms = await evaluation({ parameters, x, epsilon });
  const result = sumFiniteTerms(state.model, batchTerms, examples, task.range, null);
  return { ...result, computeMs: performance.now() - started };
}

/** @param threadRun Its key alone asks for what is there. */
async function stateOf(threadRun: ThreadRun | string): Promise<ThreadState | undefined> {
  const key = typeof threadRun === 'string' ? threadRun : threadRun.key;
  const now = performance.now();
  const kept = states.get(key);
  if (!kept && typeof threadRun === 'string') return undefined;
  states.delete(key);
  if (!kept) {
    await forgetOthers(now);
    if (states.size > 0) collectGarbage();
  }
  const state = kept?.state ?? create(threadRun as ThreadRun);
  states.set(key, { state, usedAt: now });
  return state;
}

/** What was compiled for a run goes with it: the garbage collector does not see how large that is. */
async function forgetOthers(now: number): Promise<void> {
  for (const [key, { state, usedAt }] of states) {
    if (states.size < mostRuns && now - usedAt <= forgottenMs) continue;
    states.delete(key);
    const engine = await engineOf(state);
    const kept = await Promise.all([...states.values()].map(({ state }) => engineOf(state)));
    if (!kept.includes(engine)) await engine?.dispose();
  }
}

async function engineOf(state: Promise<ThreadState>) {
  return (await state.catch(() => null))?.engine ?? null;
}

async function create(threadRun: ThreadRun): Promise<ThreadState> {
  const { runId } = threadRun.run;
  const kept = await Promise.all([...states.values()].map(({ state }) => state.catch(() => null)));
  return ThreadState.create(threadRun, kept.find((state) => state?.threadRun.run.runId === runId) ?? undefined);
}
