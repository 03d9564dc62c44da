import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { ProbabilisticPca } from '@elbo/vae-core/latent/probabilistic-pca';
import { createModel } from '@elbo/vae-core/models/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asLinearGaussian, cubatureNoise, linearVae, normals, sampleLinearGaussian } from './synthetic.js';

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine('cpu');
});
afterAll(() => engine.dispose());

it('ELBO + KL(q || p(z|x)) is the exact ln p(x) within 1e-4 nats, for any linear-Gaussian model and any diagonal q', async () => {
  let smallestGap = Number.POSITIVE_INFINITY;
  let largestGap = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat({ max: 1e6 }),
        latentDim: fc.integer({ min: 1, max: 4 }),
        dataDim: fc.integer({ min: 2, max: 7 }),
        variance: fc.double({ min: 0.3, max: 3, noNaN: true }),
      }),
      async ({ seed, latentDim, dataDim, variance }) => {
        const model = createModel(linearVae(latentDim, variance), dataDim);
        // The encoder's weights are random as well: q is near no posterior, and another one for each example.
        const parameters = normals(seed, 0, model.layout.length).map((value) => 0.4 * value);
        const pca = new ProbabilisticPca(asLinearGaussian(model, parameters, variance));
        const batch = 5;
        const x = sampleLinearGaussian(pca.model, seed, batch);

        const evaluate = await engine.compileEvaluation(model, 2 * latentDim, batch);
        const terms = await evaluate({ parameters, x, epsilon: cubatureNoise(batch, latentDim) });
        const encode = await engine.compileEncoder(model, batch);
        const reconstructionLogProb = Float32Array.from(terms.reconstructionLogProb);
        const kl = Float32Array.from(terms.klDivergence);
        const { posteriorMean, posteriorLogVar } = await encode(parameters, x);

        for (let n = 0; n < batch; n++) {
          const latent = <T extends Float32Array>(values: T) => values.subarray(n * latentDim, (n + 1) * latentDim);
          const observed = x.subarray(n * dataDim, (n + 1) * dataDim);
          const elbo = reconstructionLogProb[n]! - latent(kl).reduce((sum, value) => sum + value, 0);
          const gap = pca.klFromDiagonal(latent(posteriorMean), latent(posteriorLogVar), observed);
          expect(Math.abs(elbo + gap - pca.logProb(observed))).toBeLessThan(1e-4);
          smallestGap = Math.min(smallestGap, gap);
          largestGap = Math.max(largestGap, gap);
        }
      },
    ),
    { numRuns: 60, seed: 1 },
  );
  // Not an identity of zeros: the divergences that were added are large, and none is negative.
  expect(smallestGap).toBeGreaterThan(0);
  expect(largestGap).toBeGreaterThan(5);
});
