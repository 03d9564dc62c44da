import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { fitProbabilisticPca } from '@elbo/vae-core/latent/fit-probabilistic-pca';
import { ProbabilisticPca } from '@elbo/vae-core/latent/probabilistic-pca';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel } from '@elbo/vae-core/models/model';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mean } from '../random/statistics.js';
import { asLinearGaussian, cubatureNoise, linearVae, normals, sampleLinearGaussian } from './synthetic.js';

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine('cpu');
});
afterAll(() => engine.dispose());

/** Adam (Kingma and Ba 2015, algorithm 1), written out: this test leans on nothing but the gradient. */
function adam(length: number) {
  const m = new Float64Array(length);
  const v = new Float64Array(length);
  let t = 0;
  return (parameters: Float32Array, gradient: Float32Array, batch: number, learningRate: number) => {
    t += 1;
    for (let i = 0; i < length; i++) {
      const g = gradient[i]! / batch;
      m[i] = 0.9 * m[i]! + 0.1 * g;
      v[i] = 0.999 * v[i]! + 0.001 * g * g;
      const step = m[i]! / (1 - 0.9 ** t) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8);
      parameters[i] = parameters[i]! - learningRate * step;
    }
  };
}

/*
 * The likelihood's variance is fixed at its maximum-likelihood value. Learned, it would be one for each dimension of x:
 * factor analysis, which has no closed form and whose likelihood is higher than that of probabilistic PCA. With the
 * variance fixed there, the maximum over W and b alone is that of all three. The encoder costs nothing: among the W
 * that attain the maximum, those with orthogonal columns have a posterior with a diagonal covariance and a mean linear
 * in x, which an encoder without hidden layers holds exactly (Lucas et al. 2019, "Don't blame the ELBO!"). So the
 * ELBO's own maximum is the maximum of the likelihood.
 */
it('training a linear VAE reaches the maximum of the likelihood in closed form, within 0.05 nats', async () => {
  const [dataDim, latentDim, count, batch] = [8, 3, 768, 96];
  const truth = {
    latentDim,
    dataDim,
    weight: normals(1, 0, latentDim * dataDim).map((w, at) => w * [1.6, 1.0, 0.6][Math.floor(at / dataDim)]!),
    bias: normals(1, 1, dataDim),
    variance: 0.5,
  };
  const data = sampleLinearGaussian(truth, 1, count);
  const best = fitProbabilisticPca(data, dataDim, latentDim);
  const { variance } = best.model;

  const model = createModel(linearVae(latentDim, variance), dataDim);
  const parameters = initializeParameters(model, 1);
  const gradient = new Float32Array(model.layout.length);
  const streams = new RandomStreams(1);
  const update = adam(model.layout.length);
  const gradientOf = await engine.compileGradient(model, 1, batch);

  const evaluate = await engine.compileEvaluation(model, 2 * latentDim, count);
  const meanElbo = async () => {
    const terms = await evaluate({ parameters, x: data, epsilon: cubatureNoise(count, latentDim) });
    return mean(terms.reconstructionLogProb) - latentDim * mean(terms.klDivergence);
  };
  const before = await meanElbo();

  const x = new Float32Array(batch * dataDim);
  const epsilon = new Float32Array(batch * latentDim);
  const [epochs, perEpoch] = [300, count / batch];
  for (let step = 0; step < epochs * perEpoch; step++) {
    const order = streams.permutation('shuffle', Math.floor(step / perEpoch), count);
    for (let n = 0; n < batch; n++) {
      const example = order[(step % perEpoch) * batch + n]!;
      x.set(data.subarray(example * dataDim, (example + 1) * dataDim), n * dataDim);
      streams.fillNormal('epsilon', step, example, 0, epsilon, n * latentDim, latentDim);
    }
    await gradientOf({ parameters, x, epsilon, beta: 1 }, gradient);
    update(parameters, gradient, batch, 0.05 * (1 - step / (epochs * perEpoch)));
  }

  const elbo = await meanElbo();
  const trained = new ProbabilisticPca(asLinearGaussian(model, parameters, variance));
  const logProb = mean(
    Array.from({ length: count }, (_, n) => trained.logProb(data.subarray(n * dataDim, (n + 1) * dataDim))),
  );

  expect(best.meanLogProb - before).toBeGreaterThan(1);
  expect(best.meanLogProb - elbo).toBeLessThan(0.05);
  // ELBO <= ln p(x) <= the maximum, but for float32.
  expect(elbo).toBeLessThan(logProb + 1e-4);
  expect(logProb).toBeLessThan(best.meanLogProb + 1e-4);
});
