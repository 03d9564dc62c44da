import type { RunEvent } from '@elbo/protocol/events';
import type { WireBytes } from '@elbo/transport/conductor-transport';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { RunSeries } from './run-series.js';

/** How long the series of a run that is over stay: long enough to be scraped, and short enough that they never pile up. */
const keepEndedMs = 5 * 60_000;
/** A Redis that does not answer must not keep Prometheus waiting. */
const depthPatienceMs = 2000;

/** What is asked of a run that is conducted whenever metrics are read. */
export interface RunSource {
  workers(): number;
  wireBytes(): WireBytes;
  /** What went wrong so far, by kind. */
  faults(): ReadonlyMap<string, number>;
}

/** What is asked of the transport. */
export interface MetricsTransport {
  /** Jobs that wait, by queue. */
  queueDepths(): Promise<Readonly<Record<string, number>>>;
  /** What was refused over all runs, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
}

export interface MetricsOptions {
  /** Milliseconds that series of a run stay when it is over. */
  readonly keepEndedMs?: number;
}

interface Watched {
  readonly source: RunSource;
  /** What its counters were when they were read last. */
  readonly seen: Map<string, number>;
}

/** Reasons that the runs' own ledgers count. */
const countedByRuns = new Set(['duplicate', 'wrong-step', 'unknown-shard', 'no-buffer']);

/** What Prometheus is told of a coordinator: its runs, its queues and its process. */
export class CoordinatorMetrics {
  readonly #registry = new Registry();
  readonly #runs: RunSeries;
  readonly #queueDepth: Gauge;
  readonly #watched = new Map<string, Watched>();
  readonly #forgetting = new Map<string, NodeJS.Timeout>();
  readonly #refusalsSeen = new Map<string, number>();

  constructor(
    private readonly transport: MetricsTransport,
    private readonly options: MetricsOptions = {},
  ) {
    collectDefaultMetrics({ register: this.#registry });
    this.#runs = new RunSeries(this.#registry);
    this.#queueDepth = new Gauge({
      name: 'elbo_queue_depth',
      help: 'Jobs that wait in a queue',
      labelNames: ['queue'],
      registers: [this.#registry],
    });
  }

  /** Takes every event of every run. */
  take(event: RunEvent): void {
    this.#runs.take(event);
    // An event of a run that nobody conducts here may be its last word.
    if (!this.#watched.has(event.runId)) this.#forgetLater(event.runId);
  }

  /** A run is conducted. Returns what to call when it is no more. */
  watch(runId: string, source: RunSource): () => void {
    clearTimeout(this.#forgetting.get(runId));
    this.#forgetting.delete(runId);
    const watched: Watched = { source, seen: new Map() };
    this.#watched.set(runId, watched);
    return () => {
      if (this.#watched.get(runId) !== watched) return;
      this.#read(runId, watched);
      this.#watched.delete(runId);
      // No worker is missed by a run that is over.
      this.#runs.workers.remove({ run: runId });
      this.#forgetLater(runId);
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    for (const [runId, watched] of this.#watched) this.#read(runId, watched);
    for (const [kind, total] of this.transport.refusals) {
      if (countedByRuns.has(kind)) continue;
      this.#runs.faults.inc({ run: '', kind }, growth(this.#refusalsSeen, kind, total));
    }
    await this.#readQueues();
    return this.#registry.metrics();
  }

  close(): void {
    for (const timer of this.#forgetting.values()) clearTimeout(timer);
    this.#registry.clear();
  }

  #read(run: string, { source, seen }: Watched): void {
    this.#runs.workers.set({ run }, source.workers());
    for (const [direction, total] of Object.entries(source.wireBytes())) {
      this.#runs.wireBytes.inc({ run, direction }, growth(seen, `wire ${direction}`, total));
    }
    for (const [kind, total] of source.faults()) {
      this.#runs.faults.inc({ run, kind }, growth(seen, `fault ${kind}`, total));
    }
  }

  async #readQueues(): Promise<void> {
    let patience: NodeJS.Timeout | undefined;
    const depths = await Promise.race([
      this.transport.queueDepths().catch(() => null), // the transport has said so, and the next reading tries again
      new Promise<null>((resolve) => {
        patience = setTimeout(resolve, depthPatienceMs, null);
      }),
    ]);
    clearTimeout(patience);
    this.#queueDepth.reset();
    for (const [queue, depth] of Object.entries(depths ?? {})) this.#queueDepth.set({ queue }, depth);
  }

  #forgetLater(runId: string): void {
    clearTimeout(this.#forgetting.get(runId));
    const timer = setTimeout(() => {
      this.#forgetting.delete(runId);
      void this.#runs.forget(runId);
    }, this.options.keepEndedMs ?? keepEndedMs);
    timer.unref();
    this.#forgetting.set(runId, timer);
  }
}

/** By how much a total has grown since it was seen last. */
function growth(seen: Map<string, number>, name: string, total: number): number {
  const before = seen.get(name) ?? 0;
  seen.set(name, total);
  return Math.max(0, total - before);
}
