import { openRunDataset } from '@elbo/cli/launch/open-run-dataset';
import { startCoordinator } from '@elbo/coordinator/coordinator';
import type { RunArtefacts } from '@elbo/coordinator/run-artefacts';
import type { CoordinatorSurroundings } from '@elbo/coordinator/surroundings';
import type { RunEvent } from '@elbo/protocol/events';
import type { Launch, ShardJob } from '@elbo/protocol/messages';
import { type RunSpec, type RunSpecInput, runSpecSchema } from '@elbo/protocol/run-spec';
import type { ConductorTransport } from '@elbo/transport/conductor-transport';
import { HandCount } from './hand-count.js';

/** A run conducted in the test's own process, on any transport, with a run folder that keeps nothing. */
export class ConductedRun {
  readonly events: RunEvent[] = [];
  /** Its parametersSha256, or the error that it ended with. */
  readonly ended: Promise<string>;
  /** The steps after which it was saved to its run folder. */
  readonly savedSteps: number[] = [];
  /** Contributions that were refused before they were sent, or when they were here. */
  readonly refused: { readonly workerId: string; readonly step: number; readonly reason: string }[] = [];
  /** Contributions that were counted, by worker. */
  readonly counted = new Map<string, number>();
  /** Shards that were in the hands of workers at the same time. */
  mostInHands = 0;
  readonly #listeners = new Set<(event: RunEvent) => void>();
  readonly #countListeners = new Set<() => void>();

  constructor(
    transport: ConductorTransport,
    readonly spec: RunSpec,
    readonly runId: string,
    surroundings: Partial<CoordinatorSurroundings> = {},
    launch: Partial<Launch> = {},
  ) {
    let settle: (hash: string) => void = () => {};
    let fail: (error: Error) => void = () => {};
    const over = new Promise<string>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    const conductor = startCoordinator(this.#listenedTo(transport), {
      owner: 'test',
      workers: 0,
      threads: 0,
      openDataset: openRunDataset,
      openArtefacts: async () => ({ ...forgetfulArtefacts, saveCheckpoint: async ({ step }) => this.#saved(step) }),
      onEvent: (event) => this.take(event),
      onRunOver: () => {
        const finished = this.events.find((event) => event.event === 'run-finished');
        settle(finished?.parametersSha256 ?? 'no run-finished event');
      },
      onRunError: (_job, error) => fail(error),
      signal: new AbortController().signal,
      whenStopped: 'end',
      clock: { now: Date.now, monotonic: () => performance.now() },
      ...surroundings,
    });
    this.ended = over.finally(() => conductor.drain());
    this.ended.catch(() => {}); // the test looks at it when it gets there
    transport.submitRun({ runId, spec, ...launch }).catch(fail);
  }

  /** Resolves with the first event that fits, past or to come; rejects when the run ends without one. */
  async event(wanted: (event: RunEvent) => boolean): Promise<RunEvent> {
    const past = this.events.find(wanted);
    if (past) return past;
    const coming = new Promise<RunEvent>((resolve) => {
      this.#listeners.add((event) => wanted(event) && resolve(event));
    });
    const ended = this.ended.then(() => {
      throw new Error('the run ended before the event came');
    });
    return Promise.race([coming, ended]);
  }

  /** Resolves when so many steps are done. */
  step(step: number): Promise<RunEvent> {
    return this.event((event) => event.event === 'step' && event.step >= step);
  }

  /** Resolves when so many more contributions of a worker have been counted. */
  contributions(workerId: string, more: number): Promise<void> {
    const wanted = (this.counted.get(workerId) ?? 0) + more;
    return new Promise((resolve, reject) => {
      this.#countListeners.add(() => (this.counted.get(workerId) ?? 0) >= wanted && resolve());
      this.ended.then(() => reject(new Error(`the run ended before ${workerId} contributed ${more} times`)), reject);
    });
  }

  get lastStep(): number {
    return this.events.reduce((last, event) => (event.event === 'step' ? event.step : last), 0);
  }

  notices(code: string): string[] {
    return this.events.flatMap((event) => (event.event === 'notice' && event.code === code ? [event.message] : []));
  }

  get imagesPerSecond(): number {
    const finished = this.events.find((event) => event.event === 'run-finished');
    return finished?.imagesPerSecond ?? 0;
  }

  /** Resolves with the next refusal of a worker's contribution. */
  refusal(workerId: string): Promise<{ readonly step: number; readonly reason: string }> {
    const before = this.refused.length;
    return new Promise((resolve, reject) => {
      this.#countListeners.add(() => {
        const found = this.refused.slice(before).find((refusal) => refusal.workerId === workerId);
        if (found) resolve(found);
      });
      this.ended.then(() => reject(new Error(`the run ended, and nothing of ${workerId} was refused`)), reject);
    });
  }

  #noteRefusal(workerId: string, job: ShardJob, reason: string): void {
    this.refused.push({ workerId, step: job.kind === 'gradient' ? job.step : -1, reason });
    for (const listener of this.#countListeners) listener();
  }

  #saved(step: number): string {
    this.savedSteps.push(step);
    return '';
  }

  #listenedTo(transport: ConductorTransport): ConductorTransport {
    const openRun: ConductorTransport['openRun'] = async (run, lease, hooks, priority) => {
      const contributed: typeof hooks.contributed = (header, buffer) => {
        const reply = hooks.contributed(header, buffer);
        if (reply.accepted) this.counted.set(header.workerId, (this.counted.get(header.workerId) ?? 0) + 1);
        else this.#noteRefusal(header.workerId, header.job, reply.reason);
        for (const listener of this.#countListeners) listener();
        return reply;
      };
      const inHands = new HandCount((count) => (this.mostInHands = Math.max(this.mostInHands, count)));
      const admit: typeof hooks.admit = (job, workerId) => {
        const admission = hooks.admit(job, workerId);
        if (!admission.admitted) this.#noteRefusal(workerId, job, admission.reason);
        return admission;
      };
      const channel = await transport.openRun(run, lease, inHands.hooks({ ...hooks, admit, contributed }), priority);
      return inHands.channel(channel);
    };
    return new Proxy(transport, {
      get(target, name) {
        if (name === 'openRun') return openRun;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Of its own, unless its surroundings take events themselves. */
  take(event: RunEvent): void {
    this.events.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

export function specOf(input: RunSpecInput): RunSpec {
  return runSpecSchema.parse(input);
}

/** A run folder that keeps nothing. */
export const forgetfulArtefacts: RunArtefacts = {
  path: '',
  checkpoints: [],
  continueAfter: async (step) => step,
  handle: () => {},
  flush: async () => {},
  saveCheckpoint: async () => '',
  saveModel: async () => {},
  drawEpoch: async () => null,
  drawPictures: async () => {},
  close: async () => {},
};
