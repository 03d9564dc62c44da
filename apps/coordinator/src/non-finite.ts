import type { NonFinite, ResolvedRun } from '@elbo/protocol/messages';
import type { Model } from '@elbo/vae-core/models/model';
import type { NonFiniteGradientError } from '@elbo/vae-core/optimizers/errors';
import { parameterAt } from '@elbo/vae-core/parameter-layout';
import { cutOf, planStep } from '@elbo/vae-core/steps/step-plan';
import type { Contribution } from './contribution-ledger.js';

/** What of a round is NaN or infinite, in words: the first shard in shard order that has such a thing; null for none. */
export function nonFiniteTerms(round: string, contributions: readonly Contribution[]): string | null {
  const shard = contributions.findIndex(({ nonFinite }) => nonFinite !== null);
  const found = contributions[shard]?.nonFinite;
  return found ? `${round}, shard ${shard}: ${describe(found)}` : null;
}

function describe({ term, value, example, begin, end, parameter }: NonFinite): string {
  const where = `${term} of example ${example} is ${value} (in the microbatch of positions ${begin} to ${end - 1})`;
  return parameter ? `${where}, and so is the gradient of ${parameter}` : where;
}

/** A gradient that is not finite though the terms are: which shard's, which examples, which parameter. */
export function nonFiniteGradient(
  round: string,
  run: ResolvedRun,
  model: Model,
  { step, index, contribution, value }: NonFiniteGradientError,
): string {
  const entry = parameterAt(model.layout, index);
  const name = entry ? `${entry.name}[${index - entry.offset}]` : `parameter ${index}`;
  if (contribution === null) return `${round}: the gradient of ${name}, summed over the shards, is ${value}`;
  const range = planStep(cutOf(run), run.trainExamples, step).shards[contribution];
  const examples = range ? ` (positions ${range.begin} to ${range.end - 1})` : '';
  return `${round}, shard ${contribution}${examples}: the gradient of ${name} is ${value}`;
}
