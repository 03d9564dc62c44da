import type { RunEvent, StepEvent } from '@elbo/protocol/events';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds: from a small model on one machine to a large one far away. */
const stepBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];

/** The metrics that have a series for each run. */
export class RunSeries {
  readonly workers: Gauge;
  readonly wireBytes: Counter;
  readonly faults: Counter;
  readonly #stepSeconds: Histogram;
  readonly #imagesPerSecond: Gauge;
  readonly #elbo: Gauge;
  readonly #reconstructionLogProb: Gauge;
  readonly #klDivergence: Gauge;
  readonly #all: readonly (Gauge | Counter | Histogram)[];

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ['run'], registers });
    this.#stepSeconds = new Histogram({
      name: 'elbo_step_seconds',
      help: 'Time of a training step by phase: compute, transport, reduce, wait',
      labelNames: ['run', 'phase'],
      buckets: stepBuckets,
      registers,
    });
    this.#imagesPerSecond = gauge('elbo_images_per_second', 'Examples trained on a second, lately');
    this.#elbo = gauge('elbo_elbo', 'ELBO of the last batch, nats for each example');
    this.#reconstructionLogProb = gauge(
      'elbo_reconstruction_log_prob',
      'Reconstruction log-probability of the last batch, nats for each example',
    );
    this.#klDivergence = gauge('elbo_kl_divergence', 'KL divergence of the last batch, nats for each example');
    this.workers = gauge('elbo_workers', 'Workers that are members of a run that is conducted');
    this.faults = new Counter({
      name: 'elbo_faults_total',
      help: 'What went wrong and was mended, by kind; of no run where none is known',
      labelNames: ['run', 'kind'],
      registers,
    });
    this.wireBytes = new Counter({
      name: 'elbo_wire_bytes_total',
      help: 'Bytes of memberships on the network: sent are parameters, received are gradients',
      labelNames: ['run', 'direction'],
      registers,
    });
    const terms = [this.#elbo, this.#reconstructionLogProb, this.#klDivergence];
    this.#all = [this.#stepSeconds, this.#imagesPerSecond, ...terms, this.workers, this.faults, this.wireBytes];
  }

  take(event: RunEvent): void {
    const { runId: run } = event;
    if (event.event === 'step') this.#step(run, event);
    if (event.event === 'notice' && event.level === 'warning') this.faults.inc({ run, kind: event.code });
    if (event.event === 'run-failed') this.faults.inc({ run, kind: 'run-failed' });
  }

  #step(run: string, event: StepEvent): void {
    const { phases } = event;
    if (phases) {
      this.#stepSeconds.observe({ run, phase: 'compute' }, phases.computeMs / 1000);
      this.#stepSeconds.observe({ run, phase: 'transport' }, phases.transportMs / 1000);
      this.#stepSeconds.observe({ run, phase: 'reduce' }, phases.reduceMs / 1000);
      this.#stepSeconds.observe({ run, phase: 'wait' }, phases.waitMs / 1000);
    }
    this.#imagesPerSecond.set({ run }, event.imagesPerSecond);
    this.#elbo.set({ run }, event.elbo);
    this.#reconstructionLogProb.set({ run }, event.reconstructionLogProb);
    this.#klDivergence.set({ run }, event.klDivergence);
  }

  /** Removes every series of a run. */
  async forget(run: string): Promise<void> {
    for (const metric of this.#all) {
      const { values } = await metric.get();
      for (const { labels } of values) {
        const { le: _le, ...own } = labels as Record<string, string>;
        if (own.run === run) metric.remove(own);
      }
    }
  }
}
