import { ensureDataset } from '@elbo/datasets/catalog';
import { splitWindows } from '@elbo/datasets/splits';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import type { ThreadRun } from '@elbo/worker/threads/messages';

/** A run on the Gaussian mixture, one shard of one microbatch a step, as threads are told of it; without its memory. */
export async function describeMixtureRun(runId: string, batch: number): Promise<Omit<ThreadRun, 'memory'>> {
  const spec = runSpecSchema.parse({ dataset: { name: 'gaussian-mixture' }, training: { globalBatchSize: batch } });
  const dataset = await ensureDataset(spec.dataset, (seed) => new RandomStreams(seed));
  const { train, test } = splitWindows(dataset, spec.dataset);
  return {
    key: `${runId}:1`,
    run: {
      runId,
      spec,
      datasetHash: dataset.hash,
      dataDim: dataset.dataDim,
      trainExamples: train.count,
      validationExamples: 0,
      testExamples: test.count,
      shardsPerStep: 1,
      microbatchSize: batch,
    },
    dataset: dataset.buffer,
    update: null,
  };
}
