import type { ObjectiveSpec } from '@elbo/protocol/run-spec';

/**
 * The weight of the KL term at a step (0-based): `beta`, reached linearly from 0 over `betaWarmupSteps` steps (Bowman et
 * al. 2016; Sonderby et al. 2016). Step 0 has weight 0, step betaWarmupSteps and all that follow have exactly beta.
 */
export function betaAt({ beta, betaWarmupSteps }: ObjectiveSpec, step: number): number {
  return step >= betaWarmupSteps ? beta : (beta * step) / betaWarmupSteps;
}
