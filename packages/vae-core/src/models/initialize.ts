import type { Initializer } from '@elbo/protocol/run-spec';
import { type ParameterEntry, parameterView } from '../parameter-layout.js';
import { RandomStreams } from '../random/streams.js';
import type { Model } from './model.js';

/**
 * The initial parameters of a model, flat, by the initialiser that its spec names. Each parameter is drawn from a
 * stream of its own, keyed by the seed and its index in the layout, so that one does not depend on another's size.
 *
 * - uniformFanIn: weights and biases uniform in +-1/sqrt(fanIn), as PyTorch's Linear does
 * - glorotUniform, glorotNormal: variance 2 / (fanIn + fanOut), biases 0 (Glorot and Bengio 2010, (16))
 * - heUniform, heNormal: variance 2 / fanIn, biases 0 (He et al. 2015, (10))
 *
 * The log-variance of a learned Gaussian likelihood starts at 0: variance 1.
 * @returns [layout.length]
 */
export function initializeParameters(model: Model, seed: number): Float32Array {
  const { entries, length } = model.layout;
  const streams = new RandomStreams(seed);
  const flat = new Float32Array(length);
  let fanIn = 0;
  entries.forEach((entry, index) => {
    // A dense layer's bias follows its weight [fanIn, fanOut] in the layout.
    const isWeight = entry.shape.length === 2;
    if (isWeight) fanIn = entry.shape[0] as number;
    const isBias = entry.name.endsWith('.bias');
    if (!isWeight && !isBias) return;
    const draw = isWeight ? weightDraws[model.spec.initializer] : biasDraws[model.spec.initializer];
    if (!draw) return;
    const view = parameterView(flat, entry);
    const { distribution, scale } = draw(fanIn, fanOutOf(entry));
    if (distribution === 'normal') {
      streams.fillNormal('parameters', 0, index, 0, view, 0, view.length);
      for (let i = 0; i < view.length; i++) view[i] = scale * (view[i] as number);
    } else {
      streams.fillUniform('parameters', 0, index, 0, view, 0, view.length);
      for (let i = 0; i < view.length; i++) view[i] = scale * (2 * (view[i] as number) - 1);
    }
  });
  return flat;
}

/** normal: scale is the standard deviation; uniform: values lie in [-scale, scale). */
interface Draw {
  readonly distribution: 'normal' | 'uniform';
  readonly scale: number;
}

const uniformFanIn = (fanIn: number): Draw => ({ distribution: 'uniform', scale: 1 / Math.sqrt(fanIn) });

const weightDraws: Record<Initializer, (fanIn: number, fanOut: number) => Draw> = {
  uniformFanIn,
  // A uniform in +-a has the variance a^2 / 3.
  glorotUniform: (fanIn, fanOut) => ({ distribution: 'uniform', scale: Math.sqrt(6 / (fanIn + fanOut)) }),
  glorotNormal: (fanIn, fanOut) => ({ distribution: 'normal', scale: Math.sqrt(2 / (fanIn + fanOut)) }),
  heUniform: (fanIn) => ({ distribution: 'uniform', scale: Math.sqrt(6 / fanIn) }),
  heNormal: (fanIn) => ({ distribution: 'normal', scale: Math.sqrt(2 / fanIn) }),
};
const biasDraws: Partial<Record<Initializer, (fanIn: number) => Draw>> = { uniformFanIn };

function fanOutOf(entry: ParameterEntry): number {
  return entry.shape.at(-1) as number;
}
