import type { PlainObject } from './nested.js';

/**
 * What a run spec says for a data set where its author says nothing: the schema's defaults are for images in [0, 1],
 * and these data sets are of real numbers. A line here is only a default: file and flags go before it.
 */
const defaultsByDataset: Readonly<Record<string, PlainObject>> = {
  'gaussian-mixture': realNumbers({ latentDim: 2, hidden: [64, 64], activation: 'tanh', variance: 'learned' }),
  // Probabilistic PCA is the linear VAE: no hidden layer on either side.
  'probabilistic-pca': realNumbers({ latentDim: 2, hidden: [], activation: 'linear', variance: 'learned' }),
};

function realNumbers(of: {
  latentDim: number;
  hidden: readonly number[];
  activation: string;
  variance: number | 'learned';
}): PlainObject {
  const network = { hidden: of.hidden, activation: of.activation };
  return {
    model: {
      latentDim: of.latentDim,
      encoder: network,
      decoder: network,
      likelihood: { kind: 'gaussian', variance: of.variance },
    },
  };
}

// So that --adam-beta1, or a file's `optimizer: { beta1: 0.5 }`, need not name the optimiser that is the default anyway.
const training = { optimizer: { kind: 'adam' } };

/** The part of a spec that the data set's name decides. The run is named after its data set, too. */
export function defaultsFor(dataset: string): PlainObject {
  const known = Object.hasOwn(defaultsByDataset, dataset) ? defaultsByDataset[dataset] : undefined;
  return { name: dataset, training, ...known };
}
