import type { DatasetFacts } from '@elbo/coordinator/resolve-run';
import { ensureDataset } from '@elbo/datasets/catalog';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import { requireUnitInterval } from '@elbo/datasets/packed/value-range';
import { splitWindows } from '@elbo/datasets/splits';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { RandomStreams } from '@elbo/vae-core/random/streams';

/**
 * Opens the data set of a spec, packing or generating it on first use, and cuts its splits.
 * @throws DatasetError for all that the spec asks and the data cannot give
 */
export async function openRunDataset(spec: RunSpec): Promise<{ dataset: PackedDataset; facts: DatasetFacts }> {
  const dataset = await ensureDataset(spec.dataset, (seed) => new RandomStreams(seed));
  if (spec.model.likelihood.kind === 'bernoulli') requireUnitInterval(dataset, 'the Bernoulli likelihood');
  const { train, validation, test } = splitWindows(dataset, spec.dataset);
  const examples = { train: train.count, validation: validation.count, test: test.count };
  return { dataset, facts: { hash: dataset.hash, dataDim: dataset.dataDim, examples } };
}
