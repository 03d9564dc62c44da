import type { TermSums } from '@elbo/protocol/messages';
import type { BatchTerms } from '../engines/engine.js';

/** Sums the terms of a batch over its examples in index order, in float64. Nats. */
export function sumTerms(terms: BatchTerms, latentDim: number): TermSums {
  const { reconstructionLogProb, klDivergence } = terms;
  let reconstruction = 0;
  for (let n = 0; n < reconstructionLogProb.length; n++) reconstruction += reconstructionLogProb[n] as number;
  const klPerDimension = new Array<number>(latentDim).fill(0);
  for (let n = 0, at = 0; n < reconstructionLogProb.length; n++) {
    for (let d = 0; d < latentDim; d++, at++)
      klPerDimension[d] = (klPerDimension[d] as number) + (klDivergence[at] as number);
  }
  return { sampleCount: reconstructionLogProb.length, reconstructionLogProb: reconstruction, klPerDimension };
}

/** Adds the sums of several batches in the order given. */
export function addTermSums(parts: readonly TermSums[]): TermSums {
  const [first, ...rest] = parts;
  if (!first) throw new RangeError('there are no terms to add');
  const klPerDimension = [...first.klPerDimension];
  let { sampleCount, reconstructionLogProb } = first;
  for (const part of rest) {
    sampleCount += part.sampleCount;
    reconstructionLogProb += part.reconstructionLogProb;
    for (let d = 0; d < klPerDimension.length; d++)
      klPerDimension[d] = (klPerDimension[d] as number) + (part.klPerDimension[d] as number);
  }
  return { sampleCount, reconstructionLogProb, klPerDimension };
}

/** Sums that say nothing but how many examples and dimensions there are. */
export function zeroTerms({ sampleCount, klPerDimension }: TermSums): TermSums {
  return { sampleCount, reconstructionLogProb: 0, klPerDimension: klPerDimension.map(() => 0) };
}

/** Means in nats for each example: elbo = reconstructionLogProb - klDivergence (beta is not applied). */
export function meanTerms(sums: TermSums): { elbo: number; reconstructionLogProb: number; klDivergence: number } {
  const reconstructionLogProb = sums.reconstructionLogProb / sums.sampleCount;
  const klDivergence = sums.klPerDimension.reduce((sum, kl) => sum + kl, 0) / sums.sampleCount;
  return { elbo: reconstructionLogProb - klDivergence, reconstructionLogProb, klDivergence };
}
