import type { PlacedEvent, RunState } from '@elbo/protocol/cluster';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { unknownRun } from '../problem.js';
import { summaryOf } from '../run-summary.js';
import { type Frame, frameOf } from './frame.js';
import { Poller } from './poller.js';
import type { Watcher } from './watcher.js';

const liveMs = 500;
const overMs = 3000;
const over: readonly RunState[] = ['completed', 'failed', 'cancelled'];

/** One reader of a run's events, for all who watch it: each event is read and written down once. */
export class RunStream {
  readonly #watchers = new Set<Watcher>();
  readonly #poller: Poller;
  #begun: Promise<void> | null = null;
  /** The last event that was read. */
  #place: string | null = null;
  #state: Frame | null = null;

  constructor(
    private readonly runId: string,
    private readonly directory: Pick<RunDirectory, 'eventsAfter' | 'find'>,
    onError: (error: unknown) => void,
  ) {
    this.#poller = new Poller(() => this.#poll(), onError);
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /**
   * From now on the watcher gets what happens.
   * @param after null for all that is kept, undefined for nothing that was
   * @returns what it is to get before: the events that are kept after that place, and the state
   * @throws Refusal when there is no such run
   */
  async join(watcher: Watcher, after: string | null | undefined): Promise<Frame[]> {
    this.#watchers.add(watcher);
    this.#begun ??= this.#begin();
    await this.#begun;
    if (this.isWatched) this.#poller.start();
    // The reader's place is known: what comes after it reaches the watcher, and some of it perhaps twice.
    const kept = after === undefined ? { events: [], gap: false } : await this.directory.eventsAfter(this.runId, after);
    const frames = framesOf(kept);
    return this.#state ? [...frames, this.#state] : frames;
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (!this.isWatched) this.#poller.stop();
  }

  async #begin(): Promise<void> {
    await this.#readState();
    const { events } = await this.directory.eventsAfter(this.runId, null);
    this.#place = events.at(-1)?.id ?? null;
  }

  /** Whoever sees a state has seen the events before it: it is read first, and sent last. */
  async #poll(): Promise<number> {
    const { isNew, isOver } = await this.#readState();
    const read = await this.directory.eventsAfter(this.runId, this.#place);
    this.#place = read.events.at(-1)?.id ?? this.#place;
    for (const frame of framesOf(read)) this.#broadcast(frame);
    if (isNew && this.#state) this.#broadcast(this.#state);
    return isOver ? overMs : liveMs;
  }

  async #readState(): Promise<{ isNew: boolean; isOver: boolean }> {
    const run = await this.directory.find(this.runId);
    if (!run) throw unknownRun(this.runId);
    const state = frameOf('state', summaryOf(run));
    const isNew = this.#state === null || !state.bytes.equals(this.#state.bytes);
    this.#state = state;
    return { isNew, isOver: over.includes(run.state) };
  }

  #broadcast(frame: Frame): void {
    for (const watcher of this.#watchers) watcher.send(frame);
  }
}

function framesOf({ events, gap }: { readonly events: readonly PlacedEvent[]; readonly gap: boolean }): Frame[] {
  const frames = events.map(({ id, event }) => frameOf(event.event, event, id));
  return gap ? [frameOf('gap', {}), ...frames] : frames;
}
