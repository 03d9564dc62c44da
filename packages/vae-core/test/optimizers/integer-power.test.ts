import { integerPower } from '@elbo/vae-core/optimizers/integer-power';
import { expect, it } from 'vitest';

it('integer powers agree with Math.pow for decay rates of optimisers, up to a million steps', () => {
  for (const base of [0, 0.5, 0.9, 0.99, 0.999, 0.9999]) {
    for (const exponent of [0, 1, 2, 3, 7, 100, 4690, 12_345, 1_000_000]) {
      expect(Math.abs(integerPower(base, exponent) - base ** exponent)).toBeLessThan(1e-12);
    }
  }
});
