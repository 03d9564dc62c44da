import type { SplitName } from '@elbo/protocol/messages';
import { evaluationDraw } from '@elbo/vae-core/steps/evaluation-draw';
import {
  type EvaluationTask,
  floatsOf,
  type GradientTask,
  type ThreadResult,
  type ThreadRun,
  type ThreadTask,
} from './messages.js';
import { sumFiniteTerms } from './sum-finite-terms.js';
import { ThreadState } from './thread-state.js';

/** The thread's side of the Piscina pool: one task is one microbatch. */

/** Runs that a thread keeps, the least recently used first. */
const mostRuns = 6;
/** One that it did nothing for in so long goes when another comes. */
const forgottenMs = 30_000;

const states = new Map<string, { readonly state: Promise<ThreadState>; readonly usedAt: number }>();

export default async function runTask(task: ThreadTask): Promise<ThreadResult> {
  const state = await stateOf(task.threadRun);
  return task.kind === 'gradient' ? computeGradient(state, task) : evaluate(state, task);
}

async function computeGradient(state: ThreadState, task: GradientTask): Promise<ThreadResult> {
  const started = performance.now();
  const { monteCarloSamples } = state.threadRun.run.spec.objective;
  const batch = task.range.end - task.range.begin;
  const examples = state.examplesAt('train', task.epoch, task.range.begin, task.range.end, true);
  const x = readExamples(state, 'train', examples, task.epoch);
  const epsilon = drawEpsilon(state, 'epsilon', task.step, examples);
  const parameters = state.parametersOf(task.parameterVersion, task.parameters);
  const gradient = await state.engine.compileGradient(state.model, monteCarloSamples, batch);
  const batchTerms = await gradient({ parameters, x, epsilon, beta: task.beta }, state.gradient);
  floatsOf(task.target).set(state.gradient);
  const result = sumFiniteTerms(state.model, batchTerms, examples, task.range, state.gradient);
  return { ...result, computeMs: performance.now() - started };
}

async function evaluate(state: ThreadState, task: EvaluationTask): Promise<ThreadResult> {
  const started = performance.now();
  const { monteCarloSamples } = state.threadRun.run.spec.objective;
  const examples = state.examplesAt(task.split, task.epoch, task.range.begin, task.range.end, false);
  const x = readExamples(state, task.split, examples, task.epoch);
  const draw = evaluationDraw(task.epoch, task.split);
  const epsilon = drawEpsilon(state, 'evaluation-epsilon', draw, examples);
  const parameters = state.parametersOf(task.parameterVersion, task.parameters);
  const evaluation = await state.engine.compileEvaluation(state.model, monteCarloSamples, examples.length);
  const batchTerms = await evaluation({ parameters, x, epsilon });
  const result = sumFiniteTerms(state.model, batchTerms, examples, task.range, null);
  return { ...result, computeMs: performance.now() - started };
}

function readExamples(state: ThreadState, split: SplitName, examples: Uint32Array, epoch: number): Float32Array {
  const x = state.buffer('x', examples.length * state.model.dataDim);
  state.reader.read(split, examples, epoch, x);
  return x;
}

/** [monteCarloSamples, batch, latentDim], each example's own draw whatever batch it stands in. */
function drawEpsilon(
  state: ThreadState,
  stream: 'epsilon' | 'evaluation-epsilon',
  draw: number,
  examples: Uint32Array,
): Float32Array {
  const { latentDim } = state.model;
  const samples = state.threadRun.run.spec.objective.monteCarloSamples;
  const epsilon = state.buffer('epsilon', samples * examples.length * latentDim);
  let offset = 0;
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < examples.length; i++) {
      state.streams.fillNormal(stream, draw, examples[i] as number, sample, epsilon, offset, latentDim);
      offset += latentDim;
    }
  }
  return epsilon;
}

async function stateOf({ key, ...rest }: ThreadRun): Promise<ThreadState> {
  const now = performance.now();
  const kept = states.get(key);
  states.delete(key);
  if (!kept) {
    for (const [other, { usedAt }] of states) {
      if (states.size >= mostRuns || now - usedAt > forgottenMs) states.delete(other);
    }
  }
  const state = kept?.state ?? ThreadState.create({ key, ...rest });
  states.set(key, { state, usedAt: now });
  return state;
}
