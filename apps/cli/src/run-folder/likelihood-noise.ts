import type { LikelihoodSpec } from '@elbo/protocol/run-spec';
import type { Model } from '@elbo/vae-core/models/model';
import { parameterView } from '@elbo/vae-core/parameter-layout';
import type { RandomStreams } from '@elbo/vae-core/random/streams';

/**
 * Turns means of a Gaussian likelihood into draws from it: x = mean + sigma * noise, in place.
 * @param means [count, dataDim]; left alone under another likelihood.
 */
export function addLikelihoodNoise(
  means: Float32Array,
  likelihood: LikelihoodSpec,
  { dataDim, layout }: Model,
  parameters: Float32Array,
  streams: RandomStreams,
): void {
  if (likelihood.kind !== 'gaussian') return;
  const learned = layout.entries.find((entry) => entry.name === 'decoder.likelihoodLogVar');
  const logVar = learned ? parameterView(parameters, learned) : null;
  const sigma = Array.from({ length: dataDim }, (_, j) =>
    Math.sqrt(logVar ? Math.exp(logVar[j] as number) : (likelihood.variance as number)),
  );
  const noise = new Float32Array(dataDim);
  for (let i = 0; i * dataDim < means.length; i++) {
    // Sample index 1: index 0 drew the example's z.
    streams.fillNormal('sampling', 0, i, 1, noise, 0, dataDim);
    for (let j = 0; j < dataDim; j++) {
      means[i * dataDim + j] = (means[i * dataDim + j] as number) + (sigma[j] as number) * (noise[j] as number);
    }
  }
}
