/**
 * Of a sequence of unknown length, a choice evenly over it: every n-th, where n doubles when there are too many. At
 * most `capacity` are kept, at least half of that once there were so many.
 */
export class Thinned<Item> {
  readonly #capacity: () => number;
  #items: Item[] = [];
  #stride = 1;
  #seen = 0;

  constructor(capacity: () => number) {
    this.#capacity = capacity;
  }

  /** Whether the next one would be kept: one that is not need not be read. */
  get wantsNext(): boolean {
    return this.#seen % this.#stride === 0;
  }

  skip(): void {
    this.#seen++;
  }

  add(item: Item): void {
    if (this.wantsNext) this.#items.push(item);
    this.#seen++;
    while (this.#items.length > Math.max(2, this.#capacity())) {
      this.#items = this.#items.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
    }
  }

  get items(): readonly Item[] {
    return this.#items;
  }
}

/** At most `count` of the items, evenly, the first and the last among them. */
export function evenly<Item>(items: readonly Item[], count: number): Item[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] as Item);
}
