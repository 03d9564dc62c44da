/** Counts what the data plane and the queues refused, by reason. */
export class RefusalCounter {
  readonly #counts = new Map<string, number>();

  /** @param all Counts them too. */
  constructor(private readonly all: RefusalCounter | null = null) {}

  count(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.all?.count(reason);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
