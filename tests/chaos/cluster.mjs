import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  queueNames,
  runJobId,
  runJobOptions,
  runsQueue,
  shardJobEntry,
  shardsQueue,
} from '@elbo/transport/redis/queues';
import { withDeadline } from './deadline.mjs';

const elbo = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const workerScript = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const drainDeadlineMs = 20_000;

/**
 * @typedef {object} ChaosWorker
 * @property {string} id
 * @property {import('./processes.mjs').ChildProcess} process
 * @property {boolean} working It has contributed.
 * @property {boolean} stopped It was sent SIGSTOP.
 */

/** Coordinators, one of them standing by, and workers of one thread: real processes on a real Redis. */
export class ChaosCluster {
  prefix = 'chaos';
  #token = randomBytes(32).toString('hex');
  /** @type {Map<string, ChaosWorker>} Those that take shards or will. */
  workers = new Map();
  /** The coordinator that began to conduct last. */
  conductor = null;
  /** Contributions that workers were told are not counted, by reason. */
  refused = new Map();
  /** Milliseconds of CPU that each worker needed until its first contribution. */
  startCpuMs = [];
  /** Told of every event of every coordinator. */
  onEvent = (_event) => {};
  #acknowledge = new Map();
  #named = 0;
  #faults = 0;

  constructor(processes, redis) {
    this.processes = processes;
    this.redis = redis;
    this.runsFolder = join(processes.folder, 'runs');
    this.runs = runsQueue(redis.client, this.prefix);
    this.shards = shardsQueue(redis.client, this.prefix);
    for (const queue of [this.runs, this.shards]) queue.on('error', () => {}); // Redis is down now and then
  }

  get #environment() {
    return { REDIS_URL: this.redis.url, ELBO_TOKEN: this.#token };
  }

  addCoordinator() {
    const flags = ['--prefix', this.prefix, '--listen', '127.0.0.1:0', '--runs', this.runsFolder, '--json'];
    const options = { env: this.#environment, stdout: true };
    const name = `coordinator-${++this.#named}`;
    const process_ = this.processes.spawn(
      name,
      process.execPath,
      [elbo, 'coordinator', '--api', 'off', ...flags],
      options,
    );
    createInterface({ input: process_.child.stdout }).on('line', (line) => {
      const event = parseEvent(line);
      if (!event) return;
      if (event.event === 'run-started') this.conductor = process_;
      // One that was held past its lease may tell of a step or two before it knows.
      const deposed = process_ !== this.conductor;
      if (!deposed || (event.event !== 'step' && event.event !== 'epoch')) this.onEvent(event);
    });
  }

  /**
   * One that finds no Redis at its start says so and ends: it is started again then, as a supervisor does.
   * @returns {Promise<ChaosWorker>} when it takes shards
   */
  async addWorker() {
    for (;;) {
      const began = performance.now();
      const worker = this.#startWorker();
      const how = await worker.started;
      if (how === 'ready') return worker;
      if (!this.redis.wasAwaySince(began)) throw new Error(`${worker.id} ended (${how}) before it was ready`);
      worker.process.ending = true;
    }
  }

  #startWorker() {
    const id = `worker-${++this.#named}`;
    const process_ = this.processes.fork(id, workerScript, [this.prefix, id], this.#environment);
    const worker = { id, process: process_, working: false, stopped: false };
    this.workers.set(id, worker);
    process_.ended.then(() => this.workers.delete(id));
    process_.child.on('message', (message) => this.#heard(worker, message));
    const ready = once(process_.child, 'message').then(() => 'ready');
    return Object.assign(worker, { started: Promise.race([ready, process_.ended]) });
  }

  #heard(worker, message) {
    if (message.firstContribution) {
      worker.working = true;
      this.startCpuMs.push(message.cpuMs);
    }
    if (message.refused) this.refused.set(message.refused, (this.refused.get(message.refused) ?? 0) + 1);
    if (message.done) this.#acknowledge.get(message.done)?.();
    if (message.redeliver) this.#redeliver(message.redeliver);
  }

  /** The same job again, as a queue that delivers at least once may do. */
  #redeliver(job) {
    const { name, data, opts } = shardJobEntry(job);
    this.shards.add(name, data, { ...opts, jobId: `${opts.jobId}.again` }).catch(() => {}); // the command is over
  }

  /** Does a fault to the worker's next shard. Resolves with whether it came to it, before the worker ended. */
  async disturb({ process: process_ }, kind, ms) {
    const id = ++this.#faults;
    const done = new Promise((resolve) => this.#acknowledge.set(id, () => resolve(true)));
    process_.child.send({ id, kind, ms });
    const came = await Promise.race([done, process_.ended.then(() => false)]);
    this.#acknowledge.delete(id);
    return came;
  }

  /** Asks a worker to finish what it has and end. */
  async drain({ id, process: process_ }) {
    this.workers.delete(id);
    process_.ending = true;
    process_.signal('SIGTERM');
    const how = await withDeadline(process_.ended, drainDeadlineMs, `${id} did not end after SIGTERM`);
    if (how !== 'exit code 0') throw new Error(`${id} ended with ${how} after SIGTERM`);
  }

  async submit(runId, spec) {
    await this.runs.add('run', { runId, spec }, { jobId: runJobId(runId), ...runJobOptions });
  }

  runFolder(runId) {
    return join(this.runsFolder, runId);
  }

  /** What finished runs have left in Redis beside their records. */
  async leftovers() {
    const client = this.redis.client;
    const directory = [`${this.prefix}:runs`, `${this.prefix}:workers`];
    const isDirectory = (key) => directory.includes(key) || /:(record|events|worker:[^:]+)$/.test(key);
    const keys = (await client.keys('*')).filter((key) => !isDirectory(key) && !isBookkeeping(key));
    const jobs = await Promise.all([this.runs, this.shards].map((queue) => queue.getJobCountByTypes()));
    return [
      ...keys,
      ...jobs.flatMap((count, i) => (count ? [`${count} jobs in ${Object.values(queueNames)[i]}`] : [])),
    ];
  }

  async close() {
    await Promise.allSettled([this.runs, this.shards].map((queue) => queue.close()));
    this.redis.client.disconnect();
  }
}

/** Keys of BullMQ that a queue has for as long as it is one. */
function isBookkeeping(key) {
  return /:(meta|events|id|stalled-check|marker|stalled)$/.test(key);
}

/** Null for half a line, which a process that was killed may leave. */
function parseEvent(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
