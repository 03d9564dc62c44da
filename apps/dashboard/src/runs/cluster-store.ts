import { runsSchema, workersSchema } from '@elbo/protocol/api';
import type { RunSummary, WorkerReport } from '@elbo/protocol/cluster';
import { signal } from '@preact/signals';
import { getJson, reasonOf } from '../api/client.js';
import { accepting, LiveStream } from '../api/live-stream.js';

/** All runs and workers of the cluster, live while a view of them is open. Null until the first answer. */
export class ClusterStore {
  readonly runs = signal<readonly RunSummary[] | null>(null);
  readonly workers = signal<readonly WorkerReport[] | null>(null);
  readonly problem = signal<string | null>(null);
  readonly #stream: LiveStream;

  constructor() {
    this.#stream = new LiveStream({
      path: 'events',
      on: {
        runs: accepting(runsSchema, ({ runs }) => this.#takeRuns(runs)),
        workers: accepting(workersSchema, ({ workers }) => {
          this.workers.value = workers;
        }),
      },
    });
    void this.#fetch(); // the stream begins with the same, and does not say why when it cannot
  }

  close(): void {
    this.#stream.close();
  }

  #takeRuns(runs: readonly RunSummary[]): void {
    this.runs.value = runs;
    this.problem.value = null;
  }

  async #fetch(): Promise<void> {
    try {
      const [{ runs }, { workers }] = await Promise.all([
        getJson(runsSchema, 'runs'),
        getJson(workersSchema, 'workers'),
      ]);
      // The stream may have been quicker, and is newer then.
      if (this.runs.value === null) this.#takeRuns(runs);
      this.workers.value ??= workers;
    } catch (error) {
      this.problem.value = reasonOf(error);
    }
  }
}

/** @throws ApiError */
export async function listRuns(): Promise<readonly RunSummary[]> {
  return (await getJson(runsSchema, 'runs')).runs;
}
