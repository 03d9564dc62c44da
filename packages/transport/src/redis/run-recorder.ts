import { setTimeout } from 'node:timers/promises';
import type { RunState } from '@elbo/protocol/cluster';
import type { RunEvent } from '@elbo/protocol/events';
import type { RunJob } from '@elbo/protocol/messages';
import type { Redis } from 'ioredis';
import type { Lease } from '../conductor-transport.js';
import type { Logger } from '../log.js';
import type { RunDirectoryWriter, RunError, RunRecorder, SettledState, Wanted } from '../run-directory.js';
import { noProgress, progressAfter, type RunProgress, readEntry, summaryFields } from './directory-entry.js';
import { directoryKeys } from './directory-keys.js';
import { beginRun, recordEvents, settleRun } from './directory-scripts.js';
import { held, recordTtlMs, runKeys } from './redis-run-store.js';
import { eventsKept, eventsOfOver } from './run-events.js';

/** Events are written so often; of the steps between two writes, the last. */
const writeMs = 250;
/** A checkpoint waits for the events before it, but not for a Redis that is away. */
const flushPatienceMs = 1000;
/** While Redis takes no writes, this many of the newest events wait. */
const mostWaiting = 500;
const longestMessage = 2000;

/** What a coordinator on Redis tells the run directory. */
export function redisDirectoryWriter(client: Redis, prefix: string, logger: Logger): RunDirectoryWriter {
  const begin = async (lease: Lease, job: RunJob): Promise<boolean> => {
    const keys = runKeys(prefix, lease.runId);
    const { spec, priority, workerLimit } = job;
    const fields = [JSON.stringify(spec), JSON.stringify({ priority, workerLimit }), Date.now(), lease.owner];
    const answer = await beginRun.run(
      client,
      [keys.lease, keys.record, keys.tensors, keys.snapshot],
      [lease.token, ...fields, recordTtlMs],
    );
    held(lease, answer);
    if (answer !== 'running') return false;
    await client.zadd(directoryKeys(prefix).index, 'NX', Date.now(), lease.runId);
    return true;
  };
  return {
    async begin(lease, job) {
      if (!(await begin(lease, job))) return null;
      const { record } = runKeys(prefix, lease.runId);
      const values = await client.hmget(record, ...summaryFields);
      const entry = readEntry(Object.fromEntries(summaryFields.map((field, i) => [field, values[i] ?? null])));
      const again = async () => void (await begin(lease, job));
      return new RedisRunRecorder(client, prefix, lease, job, logger, entry?.progress ?? noProgress, again);
    },
  };
}

class RedisRunRecorder implements RunRecorder {
  readonly #keys: ReturnType<typeof runKeys>;
  readonly #timer: NodeJS.Timeout;
  #waiting: RunEvent[] = [];
  #klPerDimension = '';
  #writing: Promise<void> | null = null;
  #deposed = false;

  constructor(
    private readonly client: Redis,
    prefix: string,
    private readonly lease: Lease,
    private readonly job: RunJob,
    private readonly logger: Logger,
    private progress: RunProgress,
    /** Records the run anew, in a Redis that has lost its record. */
    private readonly recordAgain: () => Promise<void>,
  ) {
    this.#keys = runKeys(prefix, lease.runId);
    this.#timer = setInterval(() => this.#write(), writeMs);
    this.#timer.unref();
  }

  event(event: RunEvent): void {
    this.progress = progressAfter(this.progress, event);
    if (event.event === 'epoch') this.#klPerDimension = JSON.stringify(event.klPerDimension);
    if (event.event === 'step') this.#waiting = this.#waiting.filter((waiting) => waiting.event !== 'step');
    const message = 'message' in event ? { message: event.message.slice(0, longestMessage) } : {};
    this.#waiting.push({ ...event, ...message });
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
  }

  async flush(): Promise<void> {
    const patience = new AbortController();
    const written = async () => {
      await this.#writing;
      await (this.#write() ?? this.#writing);
    };
    const tooLong = setTimeout(flushPatienceMs, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([written(), tooLong]);
    patience.abort();
  }

  async wanted(): Promise<Wanted> {
    const wanted = await this.client.hget(this.#keys.record, 'wanted');
    return wanted === 'pause' || wanted === 'cancel' ? wanted : 'run';
  }

  async settle(state: SettledState, error?: RunError): Promise<RunState> {
    clearInterval(this.#timer);
    await this.#writing;
    await (this.#write() ?? this.#writing);
    const { lease, record, events, tensors, snapshot } = this.#keys;
    const said = error ? JSON.stringify({ ...error, message: error.message.slice(0, longestMessage) }) : '';
    const args = [this.lease.token, state, Date.now(), recordTtlMs, said, eventsOfOver];
    const answer = await settleRun.run(this.client, [lease, record, events, tensors, snapshot], args);
    held(this.lease, answer);
    return answer as RunState;
  }

  /** One write at a time; what could not be written waits for the next. */
  #write(): Promise<void> | null {
    if (this.#writing !== null || this.#deposed || this.#waiting.length === 0) return null;
    const events = this.#waiting;
    const klPerDimension = this.#klPerDimension;
    this.#waiting = [];
    this.#klPerDimension = '';
    this.#writing = this.#append(events, klPerDimension)
      .catch((error: unknown) => {
        this.logger.warn({ runId: this.lease.runId, err: error }, 'events of a run could not be recorded');
        this.#waiting = [...events, ...this.#waiting].slice(-mostWaiting);
        this.#klPerDimension ||= klPerDimension;
      })
      .finally(() => {
        this.#writing = null;
      });
    return this.#writing;
  }

  async #append(events: readonly RunEvent[], klPerDimension: string): Promise<void> {
    const { lease, record, events: stream } = this.#keys;
    const kept = eventsKept(this.job.spec.model.latentDim);
    const args = [this.lease.token, recordTtlMs, kept, JSON.stringify(this.progress), klPerDimension];
    const append = () =>
      recordEvents.run(
        this.client,
        [lease, record, stream],
        [...args, ...events.map((event) => JSON.stringify(event))],
      );
    let answer = await append();
    if (answer === 0) {
      await this.recordAgain();
      answer = await append();
    }
    if (typeof answer === 'number' && answer < 0) this.#deposed = true;
    else if (answer !== 1) throw new Error('the lease ran out; it is being renewed');
  }
}
