import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFolders } from '@elbo/coordinator/http/run-folders/run-folders';
import { summaryOf } from '@elbo/coordinator/http/run-summary';
import type { PlacedEvent, RunDetail, RunSummary, WorkerReport } from '@elbo/protocol/cluster';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { LocalRun } from './local-run.js';

const mostRuns = 1000;
/** Folders that are none of a run are looked at again after so long. */
const lookAgainMs = 5000;

/** The runs whose folders lie in a folder: to look at, without a cluster. */
export class LocalRunDirectory implements RunDirectory {
  /** By the name of their folder. */
  readonly #runs = new Map<string, LocalRun>();
  /** When a folder was found to be none of a run. */
  readonly #noRuns = new Map<string, number>();
  readonly folders: RunFolders = { find: async (runId) => (await this.#run(runId))?.folder ?? null };

  constructor(
    private readonly folder: string,
    private readonly now: () => number = Date.now,
  ) {}

  async list(): Promise<RunSummary[]> {
    await this.#look();
    const byId = new Map([...this.#runs.values()].map((run) => [run.runId, run]));
    const runs = [...byId.values()];
    await Promise.all(runs.map((run) => run.refresh()));
    const summaries = runs.map((run) => summaryOf(run.detail(this.now())));
    return summaries.sort((a, b) => b.submittedAt - a.submittedAt);
  }

  async find(runId: string): Promise<RunDetail | null> {
    const run = await this.#run(runId);
    await run?.refresh();
    return run?.detail(this.now()) ?? null;
  }

  async eventsAfter(runId: string, id: string | null): Promise<{ events: PlacedEvent[]; gap: boolean }> {
    const run = await this.#run(runId);
    await run?.refresh();
    return run?.eventsAfter(id) ?? { events: [], gap: id !== null };
  }

  async workers(): Promise<WorkerReport[]> {
    return [];
  }

  /** Nobody has the access that these need: there is no token for it. */
  async submit(): Promise<never> {
    throw new Error('runs in folders can be looked at, and no more');
  }
  want(): Promise<never> {
    return this.submit();
  }

  async close(): Promise<void> {}

  async #run(runId: string): Promise<LocalRun | null> {
    const known = () => [...this.#runs.values()].find((run) => run.runId === runId) ?? null;
    if (!known()) await this.#look();
    return known();
  }

  /** Finds folders that have come, and forgets those that have gone. */
  async #look(): Promise<void> {
    const root = await realpath(this.folder).catch(() => null); // it comes with the first run
    const entries = root === null ? [] : await readdir(root, { withFileTypes: true });
    const names = new Set(entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])));
    for (const known of [this.#runs, this.#noRuns])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    for (const name of names) {
      if (root === null || this.#runs.size >= mostRuns) return;
      const isNone = this.now() - (this.#noRuns.get(name) ?? Number.NEGATIVE_INFINITY) < lookAgainMs;
      if (isNone || this.#runs.has(name)) continue;
      const run = await LocalRun.open(join(root, name));
      if (run) this.#runs.set(name, run);
      else this.#noRuns.set(name, this.now());
    }
  }
}
