import { RandomStreams } from '@elbo/vae-core/random/streams';
import { cutBySize, evaluationMicrobatchSize, type Range } from '@elbo/vae-core/steps/step-plan';
import { ModelUseError } from '../errors.js';
import type { Examples } from './examples.js';
import type { Network, Posteriors } from './network.js';
import { drawNoise } from './terms.js';

/**
 * The importance-weighted bound of each example, nats: ln 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with z_k drawn from
 * q(z|x) (Burda, Grosse and Salakhutdinov 2016, (8)). In expectation it is the ELBO for K = 1, never falls with K, and
 * goes to ln p(x).
 * @param onBatch Called with the number of examples done.
 * @returns [count]
 * @throws ModelUseError `not-finite`
 */
export async function importanceWeightedBounds(
  network: Network,
  examples: Examples,
  samples: number,
  onBatch: (done: number) => void = () => {},
): Promise<Float64Array> {
  const bounds = new Float64Array(examples.count);
  for (const range of cutBySize({ begin: 0, end: examples.count }, evaluationMicrobatchSize)) {
    bounds.set(await boundsOf(network, examples, range, samples), range.begin);
    onBatch(range.end);
  }
  return bounds;
}

async function boundsOf(network: Network, examples: Examples, range: Range, samples: number): Promise<Float64Array> {
  const { spec, model } = network.opened;
  const streams = new RandomStreams(spec.seed);
  const x = network.read(examples, range);
  const posteriors = await network.encode(x);
  const sum = new LogSumExp(range.end - range.begin);
  const logWeights = new Float64Array(range.end - range.begin);
  for (let sample = 0; sample < samples; sample++) {
    const epsilon = drawNoise(streams, examples.noiseStep, range, sample, sample + 1, model.latentDim);
    const { reconstructionLogProb } = await network.terms(x, epsilon, 1);
    writeLogRatios(posteriors, epsilon, model.latentDim, logWeights);
    for (let i = 0; i < logWeights.length; i++) {
      logWeights[i] = (logWeights[i] as number) + (reconstructionLogProb[i] as number);
    }
    sum.add(logWeights);
  }
  const bounds = sum.values().map((value) => value - Math.log(samples));
  const bad = bounds.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return bounds;
  throw new ModelUseError(
    'not-finite',
    `example ${range.begin + bad} of ${examples.source} has an importance-weighted bound that is NaN or infinite`,
  );
}

/**
 * ln p(z) - ln q(z|x) at z = mean + sigma epsilon, for p(z) = N(0, I): the sum over dimensions of
 * (epsilon^2 + ln sigma^2 - z^2) / 2. Written to `out`.
 */
function writeLogRatios(
  { posteriorMean, posteriorLogVar }: Posteriors,
  epsilon: Float32Array,
  latentDim: number,
  out: Float64Array,
): void {
  for (let i = 0, at = 0; i < out.length; i++) {
    let twice = 0;
    for (let d = 0; d < latentDim; d++, at++) {
      const [logVar, noise] = [posteriorLogVar[at] as number, epsilon[at] as number];
      const z = (posteriorMean[at] as number) + Math.exp(0.5 * logVar) * noise;
      twice += noise * noise + logVar - z * z;
    }
    out[i] = twice / 2;
  }
}

/** ln of a sum of exponentials, term after term, for many sums at once; no term overflows. */
class LogSumExp {
  readonly #largest: Float64Array;
  readonly #scaled: Float64Array;

  constructor(length: number) {
    this.#largest = new Float64Array(length).fill(Number.NEGATIVE_INFINITY);
    this.#scaled = new Float64Array(length);
  }

  add(terms: Float64Array): void {
    for (let i = 0; i < terms.length; i++) {
      const [term, largest] = [terms[i] as number, this.#largest[i] as number];
      const scaled = this.#scaled[i] as number;
      if (term <= largest) this.#scaled[i] = scaled + Math.exp(term - largest);
      else {
        this.#scaled[i] = scaled * Math.exp(largest - term) + 1;
        this.#largest[i] = term;
      }
    }
  }

  values(): Float64Array {
    return this.#largest.map((largest, i) => largest + Math.log(this.#scaled[i] as number));
  }
}
