import { type DatasetSummary, describeDataset } from '@elbo/datasets/catalog';
import { DatasetError } from '@elbo/datasets/errors';
import { splitWindows } from '@elbo/datasets/splits';
import type { RunSummary, Submission } from '@elbo/protocol/cluster';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { createModel } from '@elbo/vae-core/models/model';
import { describeCeiling, memoryCeiling } from '../memory-ceiling.js';
import { resolveRun } from '../resolve-run.js';
import { newRunId } from '../run-id.js';
import { Refusal } from './problem.js';
import { summaryOf } from './run-summary.js';

/** Takes runs into the queue that could be conducted here. */
export class Submissions {
  /** @param memoryLimit of a run, in its coordinator and in a worker of one thread each, bytes */
  constructor(
    private readonly directory: RunDirectory,
    private readonly memoryLimit: number,
  ) {}

  /** @throws Refusal */
  async submit({ spec, priority, workerLimit }: Submission): Promise<RunSummary> {
    const runId = newRunId(spec.name);
    await this.#assertConductible(runId, spec);
    await this.directory.submit(runId, spec, { priority, workerLimit });
    const run = await this.directory.find(runId);
    if (!run) throw new Error(`run ${runId} was submitted and is not in the directory`);
    return summaryOf(run);
  }

  async #assertConductible(runId: string, spec: RunSpec): Promise<void> {
    try {
      const dataset = await describeDataset(spec.dataset.name);
      this.#assertFits(runId, spec, dataset);
    } catch (error) {
      if (error instanceof DatasetError) throw new Refusal(422, error.code, error.message);
      throw error;
    }
  }

  #assertFits(runId: string, spec: RunSpec, dataset: DatasetSummary): void {
    const { name, trainExamples, testExamples, exampleShape } = dataset;
    const stored = { train: trainExamples, test: testExamples };
    const { train, validation, test } = splitWindows(
      { header: { name }, count: (split) => stored[split] },
      spec.dataset,
    );
    const dataDim = exampleShape.reduce((product, size) => product * size, 1);
    const run = resolveRun(runId, spec, {
      hash: dataset.hash ?? '0'.repeat(64),
      dataDim,
      examples: { train: train.count, validation: validation.count, test: test.count },
    });
    const parameters = createModel(spec.model, dataDim).layout.length;
    const elementBytes = dataset.elementType === 'uint8' ? 1 : 4;
    const datasetBytes = dataset.bytes ?? (trainExamples + testExamples) * dataDim * elementBytes;
    const ceiling = memoryCeiling(run, parameters, datasetBytes);
    if (Math.max(ceiling.coordinator, ceiling.worker) <= this.memoryLimit) return;
    const limit = `${Math.floor(this.memoryLimit / 2 ** 20)} MiB`;
    throw new Refusal(
      422,
      'too-much-memory',
      `with ${parameters} parameters the run needs ${describeCeiling(ceiling, 'redis', 1)}, and it may have ${limit} in each process: make its layers, batch or microbatch smaller, or start the coordinator with a higher --run-memory`,
    );
  }
}
