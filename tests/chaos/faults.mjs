import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from './deadline.mjs';

const deadlineMs = 30_000;
const lookMs = 20;

/**
 * Does the faults of a schedule to a cluster, each at its time: when the run has lasted so long, or, should it be faster
 * than was planned, when so much of it is done. That way all of them come before its end.
 */
export class FaultInjector {
  /** @type {{ kind: string, at: number, until: number | null, what: string, error: string | null }[]} */
  done = [];
  /** When the phases of the schedule were, by this process's clock, and the seconds of CPU that were used by then. */
  windows = [];
  #begun = [];

  /**
   * @param {import('./cluster.mjs').ChaosCluster} cluster
   * @param {(line: string) => void} say
   */
  constructor(cluster, say) {
    this.cluster = cluster;
    this.say = say;
  }

  /**
   * @param {readonly import('./schedule.mjs').Fault[]} faults
   * @param {() => number} elapsed Seconds of the schedule that the run has come to.
   */
  async inject(faults, elapsed, signal) {
    for (const fault of faults) {
      await this.#reach(fault.at, elapsed, signal);
      this.#begun.push(this.#inject(fault));
    }
  }

  /** Notes when the phases of the schedule were. */
  async watch(phases, elapsed, signal) {
    for (const { name, from, to } of phases) {
      await this.#reach(from, elapsed, signal);
      const { processes } = this.cluster;
      const begin = { from: performance.now(), cpuFrom: processes.cpuSeconds };
      await this.#reach(to, elapsed, signal);
      this.windows.push({ name, ...begin, to: performance.now(), cpuTo: processes.cpuSeconds });
    }
  }

  async #reach(seconds, elapsed, signal) {
    while (elapsed() < seconds) await delay(lookMs, undefined, { signal });
    signal.throwIfAborted();
  }

  /** Resolves when every fault that has begun is over: what was stopped goes on, and what was to come back is back. */
  async settled() {
    await Promise.all(this.#begun);
  }

  async #inject(fault) {
    const record = { kind: fault.kind, at: performance.now(), until: null, what: '', error: null };
    this.done.push(record);
    try {
      const happening = this[fault.kind](fault, (what) => {
        Object.assign(record, { at: performance.now(), what });
        this.say(`${fault.kind}: ${what}`);
      });
      await withDeadline(happening, deadlineMs, `${fault.kind} could not be done`);
      record.until = performance.now();
    } catch (error) {
      record.error = error.message;
      this.say(`${fault.kind} FAILED: ${error.message}`);
    }
  }

  async 'kill-worker'({ pick }, say) {
    const { id, process } = await this.#victim(pick);
    say(id);
    await process.kill();
    await this.cluster.addWorker();
  }

  async 'stop-worker'({ pick, ms }, say) {
    const worker = await this.#victim(pick);
    say(`${worker.id} for ${ms} ms`);
    worker.stopped = true;
    worker.process.signal('SIGSTOP');
    await delay(ms);
    worker.process.signal('SIGCONT');
    worker.stopped = false;
  }

  async 'kill-coordinator'(_fault, say) {
    const killed = await this.#conductor();
    say(killed.name);
    await killed.kill();
    this.cluster.addCoordinator();
    while (this.cluster.conductor === killed) await delay(lookMs);
  }

  /** Held past its lease, and then let go on: the stand-by conducts meanwhile. */
  async 'stop-coordinator'({ ms }, say) {
    const held = await this.#conductor();
    say(`${held.name} for ${ms} ms`);
    held.signal('SIGSTOP');
    await delay(ms);
    held.signal('SIGCONT');
    while (this.cluster.conductor === held) await delay(lookMs);
  }

  async 'restart-redis'({ ms }, say) {
    say(`away for ${ms} ms`);
    await this.cluster.redis.down();
    await delay(ms);
    await this.cluster.redis.up();
  }

  async 'add-worker'(_fault, say) {
    say('one more');
    await this.cluster.addWorker();
  }

  async 'remove-worker'({ pick }, say) {
    const worker = await this.#victim(pick);
    say(worker.id);
    await this.cluster.drain(worker);
  }

  'delay-delivery' = (fault, say) => this.#disturb(fault, say);
  'delay-contribution' = (fault, say) => this.#disturb(fault, say);
  'duplicate-delivery' = (fault, say) => this.#disturb(fault, say);
  'duplicate-contribution' = (fault, say) => this.#disturb(fault, say);

  /** Another worker, when the one that was asked ends before it comes to it. */
  async #disturb({ kind, pick, ms }, say) {
    let worker;
    do worker = await this.#victim(pick);
    while (!(await this.cluster.disturb(worker, kind, ms)));
    say(ms ? `${worker.id} for ${ms} ms` : worker.id);
  }

  async #conductor() {
    while (!this.cluster.conductor?.running) await delay(lookMs);
    return this.cluster.conductor;
  }

  /** A worker that works; the order that they came in decides, so that the seed does. */
  async #victim(pick) {
    for (;;) {
      const working = [...this.cluster.workers.values()].filter((one) => one.working && !one.stopped);
      if (working.length > 1) return working[Math.floor(pick * working.length)];
      await delay(lookMs);
    }
  }
}
