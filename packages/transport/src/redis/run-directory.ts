import { type RunDetail, type RunState, type RunSummary, runStateSchema } from '@elbo/protocol/cluster';
import { type Launch, type RunJob, runIdSchema, runJobSchema } from '@elbo/protocol/messages';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { DirectoryFullError, RunExistsError, RunOverError, UnknownRunError } from '../errors.js';
import { defaultLogger, type Logger } from '../log.js';
import type { RunDirectory, Wanted } from '../run-directory.js';
import { connectRedis } from './connection.js';
import { detailOf, type RunEntry, readEntry, summaryFields, summaryOf } from './directory-entry.js';
import { directoryKeys } from './directory-keys.js';
import { recordRun, wantRun } from './directory-scripts.js';
import { namingFull } from './full-redis.js';
import { oneAtATime } from './one-at-a-time.js';
import { logErrorsOf, runJobId, runJobOptions, runsQueue } from './queues.js';
import { recordTtlMs, runKeys } from './redis-run-store.js';
import { removeKeysOfRun } from './remove-keys.js';
import { readEventsAfter } from './run-events.js';
import type { QueueTelemetry } from './telemetry.js';
import { readWorkerReports } from './worker-reports.js';

/** Runs that a directory knows. */
export const mostRuns = 1000;
const over: ReadonlySet<RunState> = new Set(['completed', 'interrupted', 'failed', 'cancelled']);

export interface RedisRunDirectoryOptions {
  readonly redisUrl: string;
  /** The cluster's, of every key. */
  readonly prefix: string;
  readonly logger?: Logger;
  readonly telemetry?: QueueTelemetry | undefined;
}

/** The runs and workers of a cluster, as its Redis has them. @throws RedisUnavailableError */
export async function createRedisRunDirectory(options: RedisRunDirectoryOptions): Promise<RedisRunDirectory> {
  const { redisUrl, prefix, logger = defaultLogger('transport'), telemetry } = options;
  const client = await connectRedis(redisUrl, logger);
  const runs = runsQueue(client, prefix, telemetry);
  logErrorsOf(runs, logger);
  return new Directory(client, prefix, runs);
}

export interface RedisRunDirectory extends RunDirectory {
  /**
   * Looks after runs that nobody conducts and that nobody would take: one whose job a Redis without its last seconds has
   * lost goes back into the queue, and one whose coordinator died before it could be paused or cancelled is so now.
   * @returns the runs that are in the queue again
   */
  sweep(): Promise<string[]>;
}

interface Found {
  readonly runId: string;
  readonly entry: RunEntry | null;
  readonly conducted: boolean;
}

class Directory implements RedisRunDirectory {
  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
    private readonly runs: Queue<RunJob>,
  ) {}

  async submit(runId: string, spec: RunSpec, launch: Launch): Promise<void> {
    const job = runJobSchema.parse({ runId, spec, ...launch });
    await this.#makeRoom();
    const submittedAt = Date.now();
    const { record } = runKeys(this.prefix, runId);
    const fields = [JSON.stringify(spec), JSON.stringify(launch), submittedAt];
    if ((await namingFull('a run', recordRun.run(this.client, [record], fields))) === 0)
      throw new RunExistsError(runId);
    try {
      await namingFull('a run', this.client.zadd(directoryKeys(this.prefix).index, submittedAt, runId));
      await this.#enqueue(job, 0);
    } catch (error) {
      // A run that is in no queue would wait for ever.
      await removeKeysOfRun(this.client, this.prefix, runId);
      throw error;
    }
  }

  async list(): Promise<RunSummary[]> {
    const [found, running] = await Promise.all([this.#newest(mostRuns), this.#workersByRun()]);
    return found.flatMap(({ runId, entry, conducted }) => {
      return entry === null ? [] : [summaryOf(runId, entry, conducted, running.get(runId) ?? 0)];
    });
  }

  async find(runId: string): Promise<RunDetail | null> {
    if (!runIdSchema.safeParse(runId).success) return null;
    const [[found], running] = await Promise.all([
      this.#read([runId], [...summaryFields, 'klPerDimension']),
      this.#workersByRun(),
    ]);
    if (!found?.entry) return null;
    return detailOf(runId, found.entry, found.conducted, running.get(runId) ?? 0);
  }

  async want(runId: string, wanted: Wanted): Promise<RunState> {
    if (!runIdSchema.safeParse(runId).success) throw new UnknownRunError(runId);
    const { lease, record, events, tensors, snapshot } = runKeys(this.prefix, runId);
    const keys = [lease, record, events, tensors, snapshot];
    const answer = await wantRun.run(this.client, keys, [wanted, Date.now(), recordTtlMs]);
    if (answer === null) throw new UnknownRunError(runId);
    const [verdict, state, queueing] = wantAnswerSchema.parse(answer);
    if (verdict === 'over') throw new RunOverError(runId, state, wanted);
    if (verdict === 'dequeue') await this.#dequeue(runId, queueing);
    if (verdict === 'enqueue') {
      const [found] = await this.#read([runId], summaryFields);
      if (!found?.entry) throw new UnknownRunError(runId);
      await this.#enqueue({ runId, spec: found.entry.spec, ...found.entry.launch }, queueing);
    }
    return state;
  }

  readonly sweep = oneAtATime(() => this.#sweep());

  async #sweep(): Promise<string[]> {
    const requeued: string[] = [];
    for (const { runId, entry, conducted } of await this.#newest(mostRuns)) {
      if (entry === null || conducted || (entry.state !== 'queued' && entry.state !== 'running')) continue;
      const { spec, launch, wanted, queueing } = entry;
      if (wanted === 'pause' || wanted === 'cancel') await this.want(runId, wanted);
      else if ((await this.runs.getJobState(runJobId(runId, queueing))) === 'unknown') {
        await this.#enqueue({ runId, spec, ...launch }, queueing);
        requeued.push(runId);
      }
    }
    return requeued;
  }

  async eventsAfter(runId: string, id: string | null) {
    if (!runIdSchema.safeParse(runId).success) return { events: [], gap: id !== null };
    return readEventsAfter(this.client, runKeys(this.prefix, runId).events, id);
  }

  workers() {
    return readWorkerReports(this.client, this.prefix);
  }

  async close(): Promise<void> {
    await this.runs.close();
    this.client.disconnect();
  }

  async #enqueue(job: RunJob, queueing: number): Promise<void> {
    await namingFull('a run job', this.runs.add('run', job, runJobOptions(job, queueing)));
  }

  /** A job that a coordinator holds stays: the coordinator finds out what became of the run, and lets the job go. */
  async #dequeue(runId: string, queueing: number): Promise<void> {
    await this.runs.remove(runJobId(runId, queueing));
  }

  /** Forgets the oldest runs that are over, when there are too many. @throws DirectoryFullError */
  async #makeRoom(): Promise<void> {
    const { index } = directoryKeys(this.prefix);
    const known = await this.client.zcard(index);
    if (known < mostRuns) return;
    const all = await this.#newest(known);
    const goes = all.filter(({ entry }) => entry === null || over.has(entry.state));
    const tooMany = known - mostRuns + 1;
    if (goes.length < tooMany) throw new DirectoryFullError(known - goes.length);
    for (const { runId } of goes.slice(-tooMany)) await removeKeysOfRun(this.client, this.prefix, runId);
  }

  async #newest(count: number): Promise<Found[]> {
    const { index } = directoryKeys(this.prefix);
    const named = await this.client.zrevrange(index, 0, count - 1);
    const ids = named.filter((runId) => runIdSchema.safeParse(runId).success);
    const found = await this.#read(ids, summaryFields);
    // Their records have expired, or somebody else wrote them.
    const there = new Set(found.filter(({ entry }) => entry !== null).map(({ runId }) => runId));
    const gone = named.filter((runId) => !there.has(runId));
    if (gone.length > 0) await this.client.zrem(index, ...gone);
    return found;
  }

  async #read(runIds: readonly string[], fields: readonly string[]): Promise<Found[]> {
    const asked = this.client.pipeline();
    for (const runId of runIds) {
      const { record, lease } = runKeys(this.prefix, runId);
      asked.hmget(record, ...fields).exists(lease);
    }
    const answers = (await asked.exec()) ?? [];
    return runIds.map((runId, i) => {
      const values = answers[2 * i]?.[1];
      const entry = Array.isArray(values)
        ? readEntry(Object.fromEntries(fields.map((field, at) => [field, values[at]])))
        : null;
      return { runId, entry, conducted: answers[2 * i + 1]?.[1] === 1 };
    });
  }

  async #workersByRun(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { runs } of await this.workers()) {
      for (const runId of runs) counts.set(runId, (counts.get(runId) ?? 0) + 1);
    }
    return counts;
  }
}

const wantAnswerSchema = z.tuple([
  z.enum(['over', 'told', 'enqueue', 'dequeue', 'same']),
  runStateSchema,
  z.coerce.number().int(),
]);
