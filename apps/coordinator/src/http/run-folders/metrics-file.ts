import type { RunMetrics } from '@elbo/protocol/cluster';
import { type EpochEvent, epochEventSchema, type StepEvent, stepEventSchema } from '@elbo/protocol/events';
import type { ZodType } from 'zod';
import { openRunFile } from './run-folders.js';
import { evenly, Thinned } from './thinned.js';

const newline = 0x0a;
const longestLine = 1024 * 1024;
const chunkBytes = 64 * 1024;
const mostSteps = 4096;
/** Numbers that the epochs of a run may hold in memory: thinned beyond, with two thousand of twenty dimensions whole. */
const mostEpochNumbers = 65_536;
const stepStart = Buffer.from('{"event":"step"');
const epochStart = Buffer.from('{"event":"epoch"');

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
  #inode = 0;
  #readBytes = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(private readonly runFolder: string) {}

  /** @param points steps at most */
  async read(points: number): Promise<RunMetrics> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#readOn());
    await this.#reading;
    return metricsOf(evenly(this.#allSteps(), points), this.#allEpochs());
  }

  async #readOn(): Promise<void> {
    const opened = await openRunFile(this.runFolder, 'metrics.ndjson');
    if (opened === null) return this.#reset(0);
    const { file, bytes, inode } = opened;
    try {
      // A run that went on after a take-over has another file, without what was taken back.
      if (inode !== this.#inode || bytes < this.#readBytes) this.#reset(inode);
      if (bytes === this.#readBytes) return;
      const content = file.createReadStream({
        start: this.#readBytes,
        end: bytes - 1,
        highWaterMark: chunkBytes,
        autoClose: false,
      });
      await this.#take(content);
    } finally {
      await file.close();
    }
  }

  #reset(inode: number): void {
    this.#steps = new Thinned(() => mostSteps);
    this.#epochs = new Thinned(() => mostEpochNumbers / this.#epochNumbers);
    this.#lastStep = null;
    this.#lastEpoch = null;
    this.#inode = inode;
    this.#readBytes = 0;
  }

  /** Whole lines; of what is torn at the end more may come. */
  async #take(content: AsyncIterable<Buffer>): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const part of content) {
      const bytes = rest.length === 0 ? part : Buffer.concat([rest, part]);
      let begin = 0;
      for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, begin)) {
        this.#takeLine(bytes.subarray(begin, at));
        this.#readBytes += at + 1 - begin;
        begin = at + 1;
      }
      rest = bytes.subarray(begin);
      if (rest.length > longestLine) throw new Error(`a line of metrics.ndjson in ${this.runFolder} has no end`);
    }
  }

  #takeLine(line: Buffer): void {
    if (startsWith(line, stepStart)) {
      this.#lastStep = Buffer.from(line);
      const step = this.#steps.wantsNext ? readLine(line, stepEventSchema) : null;
      if (step) this.#steps.add(step);
      else this.#steps.skip();
    } else if (startsWith(line, epochStart)) {
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

function startsWith(line: Buffer, start: Buffer): boolean {
  return line.length > start.length && line.compare(start, 0, start.length, 0, start.length) === 0;
}

function readLine<Event>(line: Buffer, schema: ZodType<Event>): Event | null {
  try {
    return schema.safeParse(JSON.parse(line.toString())).data ?? null;
  } catch {
    return null; // not ours: the curves go on without it
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
