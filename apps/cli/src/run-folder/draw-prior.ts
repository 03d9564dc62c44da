import type { RandomStreams } from '@elbo/vae-core/random/streams';

/** z ~ N(0, I), each keyed by its own number: a longer list begins with the shorter one. [count, latentDim] */
export function drawPrior(streams: RandomStreams, count: number, latentDim: number): Float32Array {
  const z = new Float32Array(count * latentDim);
  for (let i = 0; i < count; i++) streams.fillNormal('sampling', 0, i, 0, z, i * latentDim, latentDim);
  return z;
}
