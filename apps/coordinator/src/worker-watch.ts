import type { RunChannel } from '@elbo/transport/conductor-transport';
import type { Notice } from './notice.js';

const patienceMs = 10_000;
const lookMs = 500;

/** Says so, once each time, when a run has had no worker for ten seconds, and when one has come. */
export class WorkerWatch {
  readonly #timer: NodeJS.Timeout;

  constructor(runId: string, channel: RunChannel, notice: Notice, now: () => number) {
    let lastSeen = now();
    let said = false;
    this.#timer = setInterval(() => {
      if (channel.members.size > 0) {
        lastSeen = now();
        if (said) notice('info', 'worker-joined', `a worker has joined run ${runId}: it goes on`);
        said = false;
      } else if (!said && now() - lastSeen >= patienceMs) {
        said = true;
        const seconds = patienceMs / 1000;
        const mend =
          'start one with `elbo worker`, with the Redis, the prefix and the token of this coordinator; if some run, see that they reach it';
        notice(
          'warning',
          'no-workers',
          `run ${runId} has had no worker for ${seconds} seconds and waits${channel.address ? ` at ${channel.address}` : ''}: ${mend}`,
        );
      }
    }, lookMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
