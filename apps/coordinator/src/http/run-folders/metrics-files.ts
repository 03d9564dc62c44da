import type { RunMetrics } from '@elbo/protocol/cluster';
import { MetricsFile } from './metrics-file.js';

const mostKept = 16;

/** The metrics of the runs that were asked for last, kept so far that only what is new is read. */
export class MetricsFiles {
  readonly #kept = new Map<string, MetricsFile>();

  read(runFolder: string, points: number): Promise<RunMetrics> {
    const file = this.#kept.get(runFolder) ?? new MetricsFile(runFolder);
    this.#kept.delete(runFolder);
    this.#kept.set(runFolder, file);
    const [longestUnused] = this.#kept.keys();
    if (this.#kept.size > mostKept && longestUnused !== undefined) this.#kept.delete(longestUnused);
    return file.read(points);
  }
}
