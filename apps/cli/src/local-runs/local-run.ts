import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FollowedLines, isEventLine, readLine } from '@elbo/coordinator/http/run-folders/followed-lines';
import type { PlacedEvent, RunDetail, RunState } from '@elbo/protocol/cluster';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { detailOf, noProgress, progressAfter } from '@elbo/transport/redis/directory-entry';
import { livingConductor, type RunFile, readRunFile } from '../run-folder/run-claim.js';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';

const mostEvents = 1000;
/** A run of another host writes so often at least; what it does otherwise cannot be known. */
const silentMs = 60_000;

/** What metrics.ndjson says so far. */
interface Told {
  progress: typeof noProgress;
  klPerDimension: number[] | null;
  first: RunEvent | null;
  last: RunEvent | null;
}

/** A run as its folder tells of it, followed as it grows. */
export class LocalRun {
  #told: Told = nothingTold();
  /** Of the steps between two readings, the last. */
  #events: (PlacedEvent & { readonly end: number })[] = [];
  #step: { readonly line: Buffer; readonly end: number } | null = null;
  /** Events up to this byte are no longer kept. */
  #forgottenTo = 0;
  #generation = '0';
  readonly #lines: FollowedLines;
  #reading: Promise<void> = Promise.resolve();
  #seen = '';

  private constructor(
    readonly folder: string,
    private readonly spec: RunSpec,
    private file: RunFile,
    private readonly madeAt: number,
  ) {
    this.#lines = new FollowedLines(folder, 'metrics.ndjson', {
      onReset: (inode) => this.#reset(inode),
      onLine: (line, end) => this.#takeLine(line, end),
    });
  }

  /** Null when it is no run folder that this version can read. */
  static async open(folder: string): Promise<LocalRun | null> {
    try {
      const file = await readRunFile(folder);
      if (!file) return null;
      const specFile = join(folder, 'spec.yaml');
      const spec = resolveSpec(await readSpec(specFile), new Map());
      return new LocalRun(folder, spec, file, (await stat(specFile)).mtimeMs);
    } catch {
      return null; // damaged, or of another version: the others are shown all the same
    }
  }

  get runId(): string {
    return this.file.runId;
  }

  /** Reads what is new. */
  refresh(): Promise<void> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#readOn());
    return this.#reading;
  }

  detail(now: number): RunDetail {
    const { spec, file } = this;
    const { progress, klPerDimension, first, last } = this.#told;
    const state = this.#state(now);
    const submittedAt = first?.time ?? this.madeAt;
    const error = last?.event === 'run-failed' ? { code: last.code, message: last.message } : null;
    const entry = {
      ...{ spec, launch: { priority: 'normal' as const, workerLimit: null }, state, wanted: null },
      ...{ submittedAt, startedAt: first?.time ?? null },
      endedAt: state === 'running' ? null : (last?.time ?? null),
      coordinator: file.conductor && `${file.conductor.host}-${file.conductor.pid}`,
      ...{ progress, error, klPerDimension },
    };
    return detailOf(file.runId, entry, true, 0);
  }

  eventsAfter(id: string | null): { events: PlacedEvent[]; gap: boolean } {
    const all = this.#events.map(({ id: place, event }) => ({ id: place, event }));
    if (id === null) return { events: all, gap: false };
    const [, generation, digits] = /^([0-9a-z]+)-(\d{1,15})$/.exec(id) ?? [];
    if (generation !== this.#generation) return { events: all, gap: true };
    const seen = Number(digits);
    const events = this.#events.flatMap(({ id: place, event, end }) => (end > seen ? [{ id: place, event }] : []));
    return { events, gap: seen < this.#forgottenTo };
  }

  async #readOn(): Promise<void> {
    const stamps = await Promise.all(['metrics.ndjson', 'run.json'].map((name) => stampOf(join(this.folder, name))));
    const seen = stamps.join(' ');
    if (seen === this.#seen) return;
    this.file = (await readRunFile(this.folder).catch(() => null)) ?? this.file;
    await this.#lines.readOn();
    this.#takeStep();
    this.#seen = seen;
  }

  #state(now: number): RunState {
    const { file } = this;
    const { last } = this.#told;
    if (file.state === 'completed') return 'completed';
    const elsewhere = file.conductor !== null && file.conductor.host !== hostname();
    if (livingConductor(file) !== null || (elsewhere && now - (last?.time ?? 0) < silentMs)) return 'running';
    return last?.event === 'run-failed' ? 'failed' : 'interrupted';
  }

  #reset(inode: number): void {
    this.#told = nothingTold();
    this.#events = [];
    this.#step = null;
    this.#forgottenTo = 0;
    this.#generation = inode.toString(36);
  }

  /** Of steps in a row the last is read. */
  #takeLine(line: Buffer, end: number): void {
    if (isEventLine(line, 'step')) {
      this.#step = { line: Buffer.from(line), end };
      return;
    }
    this.#takeStep();
    this.#takeEvent(line, end);
  }

  #takeStep(): void {
    if (this.#step) this.#takeEvent(this.#step.line, this.#step.end);
    this.#step = null;
  }

  #takeEvent(line: Buffer, end: number): void {
    const event = readLine(line, runEventSchema);
    if (!event) return;
    const told = this.#told;
    told.progress = progressAfter(told.progress, event);
    if (event.event === 'epoch') told.klPerDimension = event.klPerDimension;
    told.first ??= event;
    told.last = event;
    this.#events.push({ id: `${this.#generation}-${end}`, event, end });
    if (this.#events.length > mostEvents) this.#forgottenTo = this.#events.shift()?.end ?? 0;
  }
}

function nothingTold(): Told {
  return { progress: noProgress, klPerDimension: null, first: null, last: null };
}

async function stampOf(path: string): Promise<string> {
  return stat(path).then(
    ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
    () => '',
  );
}
