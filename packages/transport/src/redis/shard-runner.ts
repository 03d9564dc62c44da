import type { ShardJob } from '@elbo/protocol/messages';
import type { RemoteMembership } from '../data-plane/remote-membership.js';
import { saysNotNeeded } from '../errors.js';
import { failureFields, type Logger, shardFields } from '../log.js';
import { messageOf } from '../message-of.js';
import { shardJobKey } from '../shard-job.js';

interface Running {
  /** The contribution is on its way; the queue holds the job for done. */
  sent: boolean;
  readonly tellQueue: () => void;
  readonly handled: Promise<void>;
}

/**
 * Runs the handler for the jobs of the queue. The queue is told that a job is done as soon as its contribution is on
 * the way, not when the reply is here: the next job is fetched meanwhile, which takes it off the critical path. From
 * then on the conductor minds the shard: should the contribution be lost, it has it among the member's unfinished ones.
 */
export class ShardRunner {
  readonly #running = new Map<string, Running>();

  constructor(
    private readonly handler: (job: ShardJob) => Promise<void>,
    private readonly membershipOf: (job: ShardJob) => Promise<RemoteMembership | undefined>,
    private readonly logger: Logger,
  ) {}

  /** Settles when the queue may forget the job, or give it out again. */
  run(job: ShardJob, willRetry: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const key = shardJobKey(job);
      const handled = this.#handle(job, willRetry)
        .then(resolve, reject)
        .finally(() => this.#running.delete(key));
      this.#running.set(key, { sent: false, tellQueue: resolve, handled });
    });
  }

  onSent(job: ShardJob): void {
    const running = this.#running.get(shardJobKey(job));
    if (running === undefined) return;
    running.sent = true;
    running.tellQueue();
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.handled));
  }

  async #handle(job: ShardJob, willRetry: boolean): Promise<void> {
    try {
      await this.handler(job);
    } catch (error) {
      if (!saysNotNeeded(error)) {
        await this.#failed(job, willRetry, error);
        throw error;
      }
    }
    (await this.membershipOf(job))?.drop(job);
  }

  async #failed(job: ShardJob, willRetry: boolean, error: unknown): Promise<void> {
    const queueRetries = willRetry && this.#running.get(shardJobKey(job))?.sent === false;
    this.logger.warn({ ...shardFields(job), queueRetries, ...failureFields(error) }, 'a shard failed');
    (await this.membershipOf(job))?.failed(job, messageOf(error), queueRetries);
  }
}
