import { count, nats, plural } from '../format/format.js';

/** What separates a latent space that is used from one that is not. */
export const collapseThresholds = {
  /** A dimension whose mean KL, in nats, is no more than this tells nothing of the observation. */
  activeUnitNats: 0.01,
  /** Below this sum over all dimensions, in nats, the decoder has nothing to go by. */
  collapsedNats: 0.1,
  /** Below this share of active dimensions the latent space is larger than what is used of it. */
  fewActiveShare: 0.25,
  /** Smaller latent spaces than this are not called too large. */
  fewActiveFromDim: 4,
} as const;

export interface CollapseFacts {
  /** Mean KL of each latent dimension, nats. */
  readonly klPerDimension: readonly number[];
  /** Updates done when it was measured. */
  readonly step: number;
  readonly stepsPerEpoch: number | null;
  readonly beta: number;
  readonly betaWarmupSteps: number;
}

export interface CollapseFinding {
  readonly level: 'collapsed' | 'mostly-unused';
  readonly title: string;
  readonly measured: string;
  readonly meaning: string;
  readonly advice: readonly string[];
}

/** How many dimensions of the posterior depend on the observation. */
export function activeUnits(klPerDimension: readonly number[]): number {
  return klPerDimension.filter((kl) => kl > collapseThresholds.activeUnitNats).length;
}

/** Whether the posterior has fallen back to the prior, in all dimensions or in most; null when it has not. */
export function findCollapse(facts: CollapseFacts): CollapseFinding | null {
  const { klPerDimension } = facts;
  const dims = klPerDimension.length;
  if (dims === 0) return null;
  const { activeUnitNats, collapsedNats, fewActiveShare, fewActiveFromDim } = collapseThresholds;
  const active = activeUnits(klPerDimension);
  const total = klPerDimension.reduce((sum, kl) => sum + kl, 0);
  const measured =
    `${count(active)} of ${plural(dims, 'latent dimension')} ${active === 1 ? 'is' : 'are'} active ` +
    `(KL above ${activeUnitNats} nats); the KL of all together is ${nats(total)} nats.`;
  if (active === 0 || total < collapsedNats) {
    return {
      level: 'collapsed',
      title: 'The posterior has collapsed',
      measured,
      meaning:
        'The encoder gives every observation the prior, so z says nothing of x and the decoder paints the same for all. ' +
        'The ELBO may look reasonable: it is that of a model without latent variables.',
      advice: [...warmupAdvice(facts), ...betaAdvice(facts), ...sizeAdvice(active, dims)],
    };
  }
  if (dims < fewActiveFromDim || active / dims >= fewActiveShare) return null;
  return {
    level: 'mostly-unused',
    title: 'Most of the latent space is unused',
    measured,
    meaning:
      'The unused dimensions equal the prior whatever the observation is. That costs time, no likelihood; ' +
      'it may also be the first sign of a collapse.',
    advice: [...sizeAdvice(active, dims), ...betaAdvice(facts), ...warmupAdvice(facts)],
  };
}

function warmupAdvice({ betaWarmupSteps, step, stepsPerEpoch }: CollapseFacts): string[] {
  if (betaWarmupSteps > step) {
    return [`Beta is still rising, until step ${count(betaWarmupSteps)}: look again then, or give it a longer rise.`];
  }
  const longer = betaWarmupSteps > 0 ? 3 * betaWarmupSteps : 5 * (stepsPerEpoch ?? 500);
  const now = betaWarmupSteps > 0 ? `It is ${count(betaWarmupSteps)} now.` : 'It is 0 now.';
  return [`Let beta rise slowly: objective.betaWarmupSteps ${count(longer)}, for example. ${now}`];
}

function betaAdvice({ beta }: CollapseFacts): string[] {
  if (beta > 1) return [`Lower objective.beta from ${beta} towards 1: it is the price of each nat of KL.`];
  return [`A lower objective.beta than ${beta} makes KL cheaper; the objective is then no bound any more.`];
}

function sizeAdvice(active: number, dims: number): string[] {
  if (dims <= 2) return [];
  return [`Try a smaller model.latentDim: ${Math.max(2, Math.min(active + 2, dims - 1))} instead of ${dims}.`];
}
