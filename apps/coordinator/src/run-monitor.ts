import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { MemberHello, ResolvedRun, ShardJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease, RunChannel, RunHooks } from '@elbo/transport/conductor-transport';
import { type Logger, shardFields } from '@elbo/transport/log';
import { cutOf, planStep } from '@elbo/vae-core/steps/step-plan';
import type { Build } from './checkpoint/header.js';
import type { ContributionLedger } from './contribution-ledger.js';
import { PoisonedShardError } from './errors.js';
import { Handshake } from './handshake.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { Notice } from './notice.js';
import type { RunFailure } from './run-failure.js';
import { type HandOut, ShardWatch } from './shard-watch.js';
import { describeShard } from './shard-words.js';
import type { StepPhases } from './step-phases.js';

/** A shard that fails so often, on whichever workers, is poisoned: something in it is wrong. */
const poisonedAfter = 3;
const lookMs = 25;
/** A shard that nobody took for so long is put into the queue again, in case the queue lost it. */
const lostAfterMs = 2000;
/** The queue is asked about a shard that nobody took for so long. */
const askAfterMs = 150;
/** A shard that waited in the queue for so long goes before those of runs with a higher priority. */
const hurryAfterMs = 2000;

export interface RunMonitorOptions {
  readonly transport: ConductorTransport;
  readonly lease: Lease;
  readonly leaseMs: number;
  readonly ledger: ContributionLedger;
  readonly run: ResolvedRun;
  readonly dataset: PackedDataset;
  /** Fails when the run cannot go on. */
  readonly failure: RunFailure;
  readonly notice: Notice;
  /** What computed the run so far, when it goes on from a checkpoint that says so. */
  readonly build: Build | null;
  readonly phases: StepPhases;
  /** With the run's id in it. */
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Watches over a run that is conducted: answers the transport's hooks, keeps the lease, and sees to it that somebody
 * computes every shard of the open round, whatever happens to workers and queue.
 */
export class RunMonitor {
  readonly hooks: RunHooks;
  /** Shards given out again, by why. */
  readonly handOuts = new Map<HandOut['why'], number>();
  #channel: RunChannel | null = null;
  readonly #failures = new Map<string, number>();
  readonly #losses = { 'shard-failed': 0, 'worker-lost': 0 };
  readonly #watch: ShardWatch;
  readonly #looking: NodeJS.Timeout;
  readonly #leaseKeeper: LeaseKeeper;
  readonly #handshake: Handshake;
  #redispatching = false;
  #asking = false;

  constructor(private readonly options: RunMonitorOptions) {
    const { transport, lease, leaseMs, ledger, run, dataset, failure, notice, build, phases, now } = options;
    this.#leaseKeeper = new LeaseKeeper(transport.store, lease, leaseMs, notice, failure.fail);
    this.#watch = new ShardWatch(now, (inHands) => phases.inHands(inHands));
    ledger.onOpen = (jobs) => this.#watch.begin(jobs, shapeOf(run, jobs[0]));
    this.#looking = setInterval(() => this.#look(), lookMs);
    this.#handshake = new Handshake(run, notice, build);
    this.hooks = {
      refusesMember: (member) => this.#handshake.refuses(member),
      admit: (job, workerId) => {
        const admission = ledger.admit(job);
        if (!admission.admitted) this.#watch.released(workerId, job);
        return admission;
      },
      contributed: (header, buffer) => {
        const reply = ledger.contributed(header, buffer);
        if (reply.accepted) {
          const threads = this.#channel?.members.get(header.workerId)?.threads ?? 1;
          phases.counted(header, threads, run.microbatchSize);
          this.#watch.counted(header.workerId, header.job);
        } else this.#watch.released(header.workerId, header.job);
        this.#handOut();
        return reply;
      },
      abandoned: (job, buffer) => ledger.abandoned(job, buffer),
      memberJoined: ({ workerId, host, threads }) => {
        this.options.log.info({ runId: run.runId, workerId, host, threads }, 'a worker joined');
        this.#watch.joined(workerId);
      },
      memberLeft: (member, unfinished) => this.#memberLeft(member, unfinished),
      shardTaken: ({ workerId }, job) => this.#watch.taken(workerId, job),
      shardDropped: ({ workerId }, job) => this.#watch.released(workerId, job),
      shardFailed: (member, job, message, willRetry) => this.#shardFailed(member, job, message, willRetry),
      datasetBytes: (hash) => (hash === dataset.hash ? dataset.bytes : null),
    };
  }

  /** Says what was refused and what was given out again, where there is something to say. */
  report(): void {
    const { notice } = this.options;
    const counts = (entries: Iterable<readonly [string, number]>) =>
      [...entries]
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ');
    const refusals = counts(this.#channel?.refusals ?? []);
    if (refusals) notice('info', 'refusals', `refused, and not counted: ${refusals}`);
    const again = counts(this.handOuts);
    if (again) notice('info', 'given-out-again', `shards given out again: ${again}`);
  }

  /** What went wrong so far, and was mended, by kind. */
  faults(): ReadonlyMap<string, number> {
    const handOuts = [...this.handOuts].map(([why, count]) => [`shard-${why}`, count] as const);
    return new Map([...this.options.ledger.refusals, ...handOuts, ...Object.entries(this.#losses)]);
  }

  /** What computes the run; null before a worker has joined. */
  get build(): Build | null {
    return this.#handshake.build;
  }

  attach(channel: RunChannel): void {
    this.#channel = channel;
  }

  stop(): void {
    clearInterval(this.#looking);
    this.#leaseKeeper.stop();
  }

  #memberLeft({ workerId }: MemberHello, unfinished: readonly ShardJob[]): void {
    const { log, run, ledger } = this.options;
    log.info({ runId: run.runId, workerId, unfinished: unfinished.length }, 'a worker left');
    if (unfinished.length > 0) this.#losses['worker-lost']++;
    this.#watch.left(workerId);
    this.#handOut();
    // The open round's go to the next member that is idle. The next step's, taken early, go back to the queue; when no
    // member is left, so do all: whoever takes them joins.
    const toQueue = unfinished.filter((job) => {
      return job.parameterVersion > ledger.parameterVersion || (this.#watch.members === 0 && ledger.awaits(job));
    });
    this.#dispatch(toQueue.map((job) => ({ ...job, attempt: job.attempt + 1 })));
  }

  #look(): void {
    this.#handOut();
    if (!this.#redispatching) this.#dispatch(this.#watch.untakenFor(lostAfterMs));
    if (!this.#asking) void this.#askQueue(this.#watch.untakenFor(askAfterMs));
  }

  /** Where workers are busy with other runs, shards wait in the queue; that is not being lost. */
  async #askQueue(untaken: readonly ShardJob[]): Promise<void> {
    if (untaken.length === 0 || !this.#channel) return;
    this.#asking = true;
    try {
      const waiting = await this.#channel.waiting(untaken);
      this.#watch.stillQueued(waiting);
      if (waiting.length > 0 && this.#watch.roundMs >= hurryAfterMs) await this.#channel.hurry(waiting);
    } catch {
      // The queue does not answer: it is asked again.
    } finally {
      this.#asking = false;
    }
  }

  /** Hands shards that came back, are late or are lost to members that have nothing to do. */
  #handOut(): void {
    for (const handOut of this.#watch.handOut()) {
      const { workerId, job, why } = handOut;
      if (this.#channel?.assign(workerId, job)) {
        this.options.log.debug({ ...shardFields(job), workerId, why }, 'gave a shard out again');
        this.handOuts.set(why, (this.handOuts.get(why) ?? 0) + 1);
      } else this.#watch.notHanded(handOut);
    }
  }

  #dispatch(jobs: readonly ShardJob[]): void {
    if (jobs.length === 0) return;
    this.#redispatching = true;
    const done = () => (this.#redispatching = false);
    this.#channel?.dispatch(jobs).then(done, this.options.failure.fail);
  }

  #shardFailed({ workerId }: MemberHello, job: ShardJob, message: string, willRetry: boolean): void {
    this.options.log.warn({ ...shardFields(job), workerId, willRetry, why: message }, 'a worker failed at a shard');
    this.#losses['shard-failed']++;
    this.#watch.released(workerId, job, willRetry);
    const { ledger } = this.options;
    const early = job.parameterVersion > ledger.parameterVersion;
    if (!early && !ledger.awaits(job)) return;
    const shard = describeShard(job);
    const failures = (this.#failures.get(shard) ?? 0) + 1;
    this.#failures.set(shard, failures);
    if (failures >= poisonedAfter)
      this.options.failure.fail(new PoisonedShardError(job.runId, shard, failures, message));
    else if (early && !willRetry) this.#dispatch([{ ...job, attempt: job.attempt + 1 }]);
    else this.#handOut();
  }
}

/** Shards of one kind and of about one size: those of a step, of the shorter last step of an epoch, of an evaluation. */
function shapeOf(run: ResolvedRun, job: ShardJob | undefined): string {
  if (job?.kind !== 'gradient') return `evaluation of ${job?.split}`;
  return `gradient of ${planStep(cutOf(run), run.trainExamples, job.step).sampleCount}`;
}
