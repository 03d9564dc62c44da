import { activeUnits } from '@elbo/vae-core/objectives/active-units';
import { expect, it } from 'vitest';

it('the active units are the dimensions with a KL above 0.01 nats, as the page counts them too', () => {
  expect(activeUnits([0.5, 0.01, 0.0101, 0])).toBe(2);
  expect(activeUnits([])).toBe(0);
});
