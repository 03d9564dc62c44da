import { StaleVersionError } from './errors.js';

interface Waiter {
  readonly version: number;
  readonly resolve: (parameters: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

/** Whatever version comes next. */
export const anyVersion = -1;

/** Those who wait for a parameter version that is not there yet. */
export class VersionWaiters {
  #waiters: Waiter[] = [];

  constructor(private readonly runId: string) {}

  wait(version: number): Promise<Float32Array> {
    return new Promise((resolve, reject) => this.#waiters.push({ version, resolve, reject }));
  }

  /** A version is there: for an older one it is too late, a later one is waited for on. */
  arrived(version: number, parameters: Float32Array): void {
    if (this.#waiters.length === 0) return;
    for (const waiter of this.#waiters.splice(0)) {
      if (waiter.version > version) this.#waiters.push(waiter);
      else if (waiter.version === version || waiter.version === anyVersion) waiter.resolve(parameters);
      else waiter.reject(new StaleVersionError(this.runId, waiter.version, version));
    }
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
