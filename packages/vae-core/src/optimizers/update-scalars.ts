import type { OptimizerSpec } from '@elbo/protocol/run-spec';
import type { AdamScalars, MomentumScalars, SgdScalars } from '../kernels/kernels.js';
import { integerPower } from './integer-power.js';

/** The numbers of one update, ready for a kernel; they can be posted to another thread. */
export type UpdateScalars =
  | ({ readonly kind: 'sgd' } & SgdScalars)
  | ({ readonly kind: 'momentum' } & MomentumScalars)
  | ({ readonly kind: 'adam' } & AdamScalars);

/**
 * The scalars of update `step` (0-based), in float64, as torch.optim defines them. Adam (Kingma & Ba 2015, section 2):
 * parameter -= learningRate * (m / c1) / (sqrt(v / c2) + epsilon) with c_i = 1 - beta_i^(step + 1), rewritten as
 * (learningRate * sqrt(c2) / c1) * m / (sqrt(v) + epsilon * sqrt(c2)). AdamW (Loshchilov & Hutter 2019): first
 * parameter *= 1 - learningRate * weightDecay.
 */
export function updateScalars(spec: OptimizerSpec, scale: number, learningRate: number, step: number): UpdateScalars {
  switch (spec.kind) {
    case 'sgd':
      return { kind: 'sgd', scale, learningRate };
    case 'momentum':
      return { kind: 'momentum', scale, learningRate, momentum: spec.momentum, nesterov: spec.nesterov };
    case 'adam':
    case 'adamw': {
      const { beta1, beta2 } = spec;
      const c1 = 1 - integerPower(beta1, step + 1);
      const rootC2 = Math.sqrt(1 - integerPower(beta2, step + 1));
      const keep = spec.kind === 'adamw' ? 1 - learningRate * spec.weightDecay : 1;
      const stepSize = (learningRate * rootC2) / c1;
      return { kind: 'adam', scale, keep, beta1, beta2, stepSize, epsilon: spec.epsilon * rootC2 };
    }
  }
}
