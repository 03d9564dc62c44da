/**
 * Work that is asked for faster than it can be done: one at a time, and of what is asked for meanwhile only the last.
 * Errors go to `failed`; an aborted job says nothing.
 */
export class LatestWins<Wanted, Result> {
  #next: { readonly wanted: Wanted } | null = null;
  #busy = false;
  readonly #abort = new AbortController();

  constructor(
    private readonly work: (wanted: Wanted, signal: AbortSignal) => Promise<Result>,
    private readonly done: (result: Result, wanted: Wanted) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  ask(wanted: Wanted): void {
    this.#next = { wanted };
    if (!this.#busy) void this.#run();
  }

  stop(): void {
    this.#next = null;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#next !== null) {
      const { wanted } = this.#next;
      this.#next = null;
      try {
        const result = await this.work(wanted, this.#abort.signal);
        if (!this.#abort.signal.aborted) this.done(result, wanted);
      } catch (error) {
        if (!this.#abort.signal.aborted) this.failed(error);
      }
    }
    this.#busy = false;
  }
}
