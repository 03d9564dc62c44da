/**
 * Calls a function again and again, never two at a time, as long as somebody wants it. Without a watcher it costs
 * nothing.
 */
export class Poller {
  #timer: NodeJS.Timeout | null = null;
  #running = false;
  #wanted = false;

  /**
   * @param work resolves with the milliseconds until the next time
   * @param onError told of what it throws; the next time then comes after `retryMs`
   */
  constructor(
    private readonly work: () => Promise<number>,
    private readonly onError: (error: unknown) => void,
    private readonly retryMs = 2000,
  ) {}

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    if (!this.#running && this.#timer === null) void this.#run();
  }

  stop(): void {
    this.#wanted = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #run(): Promise<void> {
    this.#timer = null;
    this.#running = true;
    let next = this.retryMs;
    try {
      next = await this.work();
    } catch (error) {
      this.onError(error);
    }
    this.#running = false;
    if (this.#wanted) this.#timer = setTimeout(() => void this.#run(), next);
  }
}
