import type { Lease, RunStore } from '@elbo/transport/conductor-transport';
import { leaseMs } from './lease.js';
import type { Notice } from './notice.js';

/**
 * Renews the lease of a run while it is conducted. A store that does not answer fails nothing: the run waits for it
 * where it needs it, and what is written is fenced by the lease in the store itself.
 */
export class LeaseKeeper {
  readonly #timer: NodeJS.Timeout;
  #asked = 0;
  #silent = false;

  constructor(
    private readonly store: RunStore,
    private readonly lease: Lease,
    private readonly leaseMs: number,
    private readonly notice: Notice,
    private readonly onLost: (error: unknown) => void,
  ) {
    this.#timer = setInterval(() => this.#beat(), leaseMs / 5);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One question at a time. Silence is counted in beats, not by a clock. */
  #beat(): void {
    if (this.#asked++ === 0) {
      this.store.renewLease(this.lease, this.leaseMs).then(() => this.#answered(), this.onLost);
    } else if (this.#asked > 2 && !this.#silent) {
      this.#silent = true;
      this.notice(
        'warning',
        'redis-silent',
        'Redis does not answer: the run waits for it, and goes on when it is back',
      );
    }
  }

  #answered(): void {
    this.#asked = 0;
    if (this.#silent) this.notice('info', 'redis-back', 'Redis answers again: the run goes on');
    this.#silent = false;
  }
}

/** Keeps the lease of a run that is not conducted yet: its data set may have to be made first. */
export async function keepLeaseDuring<T>(store: RunStore, lease: Lease, work: Promise<T>): Promise<T> {
  // One that is lost shows when something is to be written.
  const renewing = setInterval(() => store.renewLease(lease, leaseMs).catch(() => {}), leaseMs / 5);
  try {
    return await work;
  } finally {
    clearInterval(renewing);
  }
}
