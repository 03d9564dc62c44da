import {
  type RunDetail,
  type RunSummary,
  runDetailSchema,
  runMetricsSchema,
  runSummarySchema,
} from '@elbo/protocol/cluster';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import { batch, signal } from '@preact/signals';
import { ApiError, getJson, reasonOf } from '../api/client.js';
import { accepting, LiveStream } from '../api/live-stream.js';
import { remember } from './kept-events.js';
import { MetricsHistory } from './metrics-history.js';

/** Curves are drawn at most this often. */
const drawEveryMs = 500;
const pointsWanted = 1500;
/** The stream leaves steps out, and the file of metrics has them: it is asked so soon after an epoch or a new state. */
const fillAfterMs = { epoch: 10_000, state: 2000 } as const;

/** One run, live: its summary, its curves, what happened to it. */
export class RunStore {
  readonly detail = signal<RunDetail | null>(null);
  /** Newest last, without steps. */
  readonly events = signal<readonly RunEvent[]>([]);
  readonly history = new MetricsHistory();
  /** Rises when the history has changed; a few times a second at most. */
  readonly revision = signal(0);
  readonly metricsKnown = signal(false);
  readonly problem = signal<{ readonly unknown: boolean; readonly reason: string } | null>(null);
  readonly #stream: LiveStream;
  readonly #abort = new AbortController();
  #draw: ReturnType<typeof setTimeout> | undefined;
  #fill: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly runId: string) {
    const take = accepting(runEventSchema, (event) => this.#take(event));
    const names = runEventSchema.options.map((option) => option.shape.event.value);
    this.#stream = new LiveStream({
      path: `runs/${runId}/events`,
      fromStart: true,
      on: {
        ...Object.fromEntries(names.map((name) => [name, take])),
        state: accepting(runSummarySchema, (summary) => this.#takeState(summary)),
        gap: () => void this.#fetchMetrics(),
      },
      onLive: (again) => {
        if (!again) return;
        void this.#fetchDetail();
        void this.#fetchMetrics();
      },
    });
    void this.#fetchDetail();
    void this.#fetchMetrics();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#draw);
    clearTimeout(this.#fill);
    this.#stream.close();
  }

  /** What an action answered. */
  takeSummary(summary: RunSummary): void {
    if (this.detail.value !== null) this.detail.value = { ...this.detail.value, ...summary };
  }

  #takeState(summary: RunSummary): void {
    const before = this.detail.value;
    this.takeSummary(summary);
    if (before?.state === summary.state && before.epoch === summary.epoch) return;
    void this.#fetchDetail();
    this.#fillLater(before?.state === summary.state ? 'epoch' : 'state');
  }

  #take(event: RunEvent): void {
    if (event.event === 'step') this.history.addStep(event);
    if (event.event === 'epoch') this.history.addEpoch(event);
    if (event.event !== 'step') this.events.value = remember(this.events.value, event);
    this.#changed();
  }

  #changed(): void {
    this.#draw ??= setTimeout(() => {
      this.#draw = undefined;
      this.revision.value++;
    }, drawEveryMs);
  }

  #fillLater(occasion: keyof typeof fillAfterMs): void {
    if (occasion === 'epoch' && this.#fill !== undefined) return;
    clearTimeout(this.#fill);
    this.#fill = setTimeout(() => {
      this.#fill = undefined;
      void this.#fetchMetrics();
    }, fillAfterMs[occasion]);
  }

  async #fetchDetail(): Promise<void> {
    try {
      const detail = await getJson(runDetailSchema, `runs/${this.runId}`, this.#abort.signal);
      batch(() => {
        this.detail.value = detail;
        this.problem.value = null;
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  async #fetchMetrics(): Promise<void> {
    try {
      const path = `runs/${this.runId}/metrics?points=${pointsWanted}`;
      this.history.merge(await getJson(runMetricsSchema, path, this.#abort.signal));
    } catch (error) {
      // A run that nobody has begun has no metrics.
      if (!(error instanceof ApiError && error.status === 404)) this.#failed(error);
    }
    this.metricsKnown.value = true;
    this.revision.value++;
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const unknown = error instanceof ApiError && error.status === 404;
    if (unknown) this.#stream.close();
    this.problem.value = { unknown, reason: reasonOf(error) };
  }
}
