import type { RunDirectory } from '@elbo/transport/run-directory';
import { type Frame, frameOf } from './frame.js';
import { Poller } from './poller.js';
import type { Watcher } from './watcher.js';

const shortestMs = 500;
const longestMs = 10_000;
/** To all watchers together, each second: with more runs or watchers it tells them less often. */
const bytesPerSecond = 8 * 1024 * 1024;
/** A thousand runs take a while to read: no larger part of the time is spent on that. */
const mostOfTheTime = 0.05;

/** One reader of the runs and workers, for all who watch the cluster. */
export class ClusterStream {
  readonly #watchers = new Set<Watcher>();
  readonly #poller: Poller;
  readonly #newest = new Map<'runs' | 'workers', Frame>();

  constructor(
    private readonly directory: Pick<RunDirectory, 'list' | 'workers'>,
    onError: (error: unknown) => void,
  ) {
    this.#poller = new Poller(() => this.#poll(), onError);
  }

  /** From now on the watcher gets what changes. @returns what it is to get before: all runs and workers */
  async join(watcher: Watcher): Promise<Frame[]> {
    if (this.#watchers.size === 0) await this.#poll();
    if (!watcher.gone) this.#watchers.add(watcher);
    if (this.#watchers.size > 0) this.#poller.start();
    return [...this.#newest.values()];
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#poller.stop();
  }

  async #poll(): Promise<number> {
    const began = performance.now();
    const [runs, workers] = await Promise.all([this.directory.list(), this.directory.workers()]);
    const bytes =
      this.#tell('runs', frameOf('runs', { runs })) + this.#tell('workers', frameOf('workers', { workers }));
    const took = performance.now() - began;
    const pause = Math.max((1000 * bytes * this.#watchers.size) / bytesPerSecond, took / mostOfTheTime);
    return Math.min(longestMs, Math.max(shortestMs, pause));
  }

  /** @returns bytes sent to each watcher */
  #tell(kind: 'runs' | 'workers', frame: Frame): number {
    if (this.#newest.get(kind)?.bytes.equals(frame.bytes)) return 0;
    this.#newest.set(kind, frame);
    for (const watcher of this.#watchers) watcher.send(frame);
    return frame.bytes.length;
  }
}
