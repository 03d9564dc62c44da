import type { RunMetrics } from '@elbo/protocol/cluster';
import { type EpochEvent, epochEventSchema, type StepEvent, stepEventSchema } from '@elbo/protocol/events';
import { FollowedLines, isEventLine, readLine } from './followed-lines.js';
import { evenly, Thinned } from './thinned.js';

const mostSteps = 4096;
/** Numbers that the epochs of a run may hold in memory: thinned beyond, with two thousand of twenty dimensions whole. */
const mostEpochNumbers = 65_536;

/**
 * What metrics.ndjson of a run holds, in bounded memory: read once, and from then on only what was added. Lines that are
 * not chosen are not parsed.
 */
export class MetricsFile {
  #steps = new Thinned<StepEvent>(() => mostSteps);
  #epochs = new Thinned<EpochEvent>(() => mostEpochNumbers / this.#epochNumbers);
  #epochNumbers = 16;
  #lastStep: Buffer | null = null;
  #lastEpoch: EpochEvent | null = null;
  readonly #lines: FollowedLines;
  #reading: Promise<void> = Promise.resolve();

  constructor(runFolder: string) {
    this.#lines = new FollowedLines(runFolder, 'metrics.ndjson', {
      onReset: () => this.#reset(),
      onLine: (line) => this.#takeLine(line),
    });
  }

  /** @param points steps at most */
  async read(points: number): Promise<RunMetrics> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#lines.readOn());
    await this.#reading;
    return metricsOf(evenly(this.#allSteps(), points), this.#allEpochs());
  }

  #reset(): void {
    this.#steps = new Thinned(() => mostSteps);
    this.#epochs = new Thinned(() => mostEpochNumbers / this.#epochNumbers);
    this.#lastStep = null;
    this.#lastEpoch = null;
  }

  #takeLine(line: Buffer): void {
    if (isEventLine(line, 'step')) {
      this.#lastStep = Buffer.from(line);
      const step = this.#steps.wantsNext ? readLine(line, stepEventSchema) : null;
      if (step) this.#steps.add(step);
      else this.#steps.skip();
    } else if (isEventLine(line, 'epoch')) {
      const epoch = readLine(line, epochEventSchema);
      if (!epoch) return;
      this.#epochNumbers = 16 + epoch.klPerDimension.length;
      this.#lastEpoch = epoch;
      this.#epochs.add(epoch);
    }
  }

  #allSteps(): StepEvent[] {
    const last = this.#lastStep ? readLine(this.#lastStep, stepEventSchema) : null;
    const { items } = this.#steps;
    return last && last.step !== items.at(-1)?.step ? [...items, last] : [...items];
  }

  #allEpochs(): EpochEvent[] {
    const { items } = this.#epochs;
    const last = this.#lastEpoch;
    return last && last.epoch !== items.at(-1)?.epoch ? [...items, last] : [...items];
  }
}

export function metricsOf(steps: readonly StepEvent[], epochs: EpochEvent[]): RunMetrics {
  const series = (of: (step: StepEvent) => number | undefined) => steps.map((step) => of(step) ?? null);
  return {
    steps: {
      step: steps.map(({ step }) => step),
      elbo: series(({ elbo }) => elbo),
      reconstructionLogProb: series(({ reconstructionLogProb }) => reconstructionLogProb),
      klDivergence: series(({ klDivergence }) => klDivergence),
      gradientNorm: series(({ gradientNorm }) => gradientNorm),
      learningRate: series(({ learningRate }) => learningRate),
      beta: series(({ beta }) => beta),
      imagesPerSecond: series(({ imagesPerSecond }) => imagesPerSecond),
      computeMs: series(({ phases }) => phases?.computeMs),
      transportMs: series(({ phases }) => phases?.transportMs),
      reduceMs: series(({ phases }) => phases?.reduceMs),
      waitMs: series(({ phases }) => phases?.waitMs),
    },
    epochs,
  };
}
