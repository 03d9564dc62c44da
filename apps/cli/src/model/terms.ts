import type { TermSums } from '@elbo/protocol/messages';
import type { BatchTerms } from '@elbo/vae-core/engines/engine';
import { addTermSums, sumTerms } from '@elbo/vae-core/objectives/sum-terms';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { cutBySize, evaluationMicrobatchSize, planEvaluation, type Range } from '@elbo/vae-core/steps/step-plan';
import { ModelUseError } from '../errors.js';
import type { Examples } from './examples.js';
import type { Network } from './network.js';

/** The ELBO's terms of each example, nats, and their sums. */
export interface ExampleTerms {
  /** [count] */
  readonly reconstructionLogProb: Float32Array;
  /** Summed over the latent dimensions. [count] */
  readonly klDivergence: Float32Array;
  readonly sums: TermSums;
}

/** Values of x times samples that are in memory at a time. */
const mostValues = 1 << 23;

/**
 * Computes the terms as the workers evaluate a split after an epoch: the same cut, the same noise and the same order
 * of summing, and so the same bits, when `samples` is the run's own.
 * @throws ModelUseError `not-finite` naming the first example that has no finite terms
 */
export async function computeTerms(network: Network, examples: Examples, samples: number): Promise<ExampleTerms> {
  const { model } = network.opened;
  const reconstructionLogProb = new Float32Array(examples.count);
  const klDivergence = new Float32Array(examples.count);
  const shards: TermSums[] = [];
  for (const shard of planEvaluation(examples.count)) {
    const microbatches: TermSums[] = [];
    for (const range of cutBySize(shard, evaluationMicrobatchSize)) {
      const terms = await batchTerms(network, examples, range, samples);
      requireFinite(terms, examples, range, model.latentDim);
      reconstructionLogProb.set(terms.reconstructionLogProb, range.begin);
      sumRows(terms.klDivergence, model.latentDim, klDivergence, range.begin);
      microbatches.push(sumTerms(terms, model.latentDim));
    }
    shards.push(addTermSums(microbatches));
  }
  return { reconstructionLogProb, klDivergence, sums: addTermSums(shards) };
}

/** Many samples are computed some at a time; the run's own number at once, as the workers do. */
async function batchTerms(network: Network, examples: Examples, range: Range, samples: number): Promise<BatchTerms> {
  const { spec, model } = network.opened;
  const x = network.read(examples, range);
  const atOnce = Math.max(spec.objective.monteCarloSamples, Math.floor(mostValues / x.length), 1);
  const noise = (begin: number, end: number) =>
    drawNoise(new RandomStreams(spec.seed), examples.noiseStep, range, begin, end, model.latentDim);
  if (samples <= atOnce) return network.terms(x, noise(0, samples), samples);
  const mean = new Float64Array(range.end - range.begin);
  let klDivergence = new Float32Array();
  for (const { begin, end } of cutBySize({ begin: 0, end: samples }, atOnce)) {
    const terms = await network.terms(x, noise(begin, end), end - begin);
    for (let i = 0; i < mean.length; i++) {
      mean[i] = (mean[i] as number) + ((end - begin) / samples) * (terms.reconstructionLogProb[i] as number);
    }
    klDivergence = terms.klDivergence.slice();
  }
  return { reconstructionLogProb: Float32Array.from(mean), klDivergence };
}

/** Evaluation noise of samples begin..end of a range of examples, each its own. [end - begin, batch, latentDim] */
export function drawNoise(
  streams: RandomStreams,
  step: number,
  range: Range,
  begin: number,
  end: number,
  latentDim: number,
): Float32Array {
  const batch = range.end - range.begin;
  const epsilon = new Float32Array((end - begin) * batch * latentDim);
  let offset = 0;
  for (let sample = begin; sample < end; sample++) {
    for (let example = range.begin; example < range.end; example++, offset += latentDim) {
      streams.fillNormal('evaluation-epsilon', step, example, sample, epsilon, offset, latentDim);
    }
  }
  return epsilon;
}

function sumRows(values: Float32Array, size: number, out: Float32Array, offset: number): void {
  for (let row = 0; row * size < values.length; row++) {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += values[row * size + j] as number;
    out[offset + row] = sum;
  }
}

function requireFinite(terms: BatchTerms, examples: Examples, range: Range, latentDim: number): void {
  const isBad = (value: number) => !Number.isFinite(value);
  const reconstruction = terms.reconstructionLogProb.findIndex(isBad);
  const kl = terms.klDivergence.findIndex(isBad);
  if (reconstruction < 0 && kl < 0) return;
  const row = reconstruction >= 0 ? reconstruction : Math.floor(kl / latentDim);
  throw new ModelUseError(
    'not-finite',
    `example ${range.begin + row} of ${examples.source} has an ELBO that is NaN or infinite: look at its values, or leave it out`,
  );
}
