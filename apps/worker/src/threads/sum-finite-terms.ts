import type { NonFinite, TermSums } from '@elbo/protocol/messages';
import type { BatchTerms } from '@elbo/vae-core/engines/engine';
import type { Model } from '@elbo/vae-core/models/model';
import { sumTerms, zeroTerms } from '@elbo/vae-core/objectives/sum-terms';
import { parameterAt } from '@elbo/vae-core/parameter-layout';
import type { Range } from '@elbo/vae-core/steps/step-plan';

/** Sums the terms of a microbatch; where they are not finite, finds the first example and the parameter it shows in. */
export function sumFiniteTerms(
  model: Model,
  batchTerms: BatchTerms,
  examples: Uint32Array,
  range: Range,
  gradient: Float32Array | null,
): { terms: TermSums; nonFinite: NonFinite | null } {
  const terms = sumTerms(batchTerms, model.latentDim);
  if (Number.isFinite(terms.reconstructionLogProb) && terms.klPerDimension.every(Number.isFinite)) {
    return { terms, nonFinite: null };
  }
  const { reconstructionLogProb, klDivergence } = batchTerms;
  const reconstructionAt = reconstructionLogProb.findIndex((value) => !Number.isFinite(value));
  const klIndex = klDivergence.findIndex((value) => !Number.isFinite(value));
  const klAt = klIndex < 0 ? -1 : Math.floor(klIndex / model.latentDim);
  // A sum of finite float32 numbers is finite in float64, so one of the two is there.
  const klFirst = klAt >= 0 && (reconstructionAt < 0 || klAt < reconstructionAt);
  const term = klFirst ? 'klDivergence' : 'reconstructionLogProb';
  const value = String(klFirst ? klDivergence[klIndex] : reconstructionLogProb[reconstructionAt]) as NonFinite['value'];
  const example = examples[klFirst ? klAt : reconstructionAt] as number;
  return {
    terms: zeroTerms(terms),
    nonFinite: { term, value, example, ...range, parameter: gradient && firstNonFiniteParameter(model, gradient) },
  };
}

function firstNonFiniteParameter(model: Model, gradient: Float32Array): string | null {
  const index = gradient.findIndex((value) => !Number.isFinite(value));
  return parameterAt(model.layout, index)?.name ?? null;
}
