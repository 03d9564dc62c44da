/** What makes a run unable to go on, told to whoever waits for something that may never come now. */
export class RunFailure {
  #error: Error | null = null;
  readonly #waiting = new Set<(error: Error) => void>();

  readonly fail = (error: unknown): void => {
    this.#error ??= error instanceof Error ? error : new Error(String(error));
    for (const reject of this.#waiting) reject(this.#error);
    this.#waiting.clear();
  };

  /**
   * Settles as the promise does, or rejects when the run fails first. Nothing is left behind at a promise that lives
   * as long as the run, as Promise.race would leave at every step.
   */
  guard<T>(promise: Promise<T>): Promise<T> {
    if (this.#error) {
      promise.catch(() => {}); // the failure is what counts
      return Promise.reject(this.#error);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}
