/** Shards that must have been counted before any is called slow: engines compile when they first run. */
const historyNeeded = 8;
const historyKept = 32;

/** How long shards of one shape took lately. */
class ShapePace {
  #recent: number[] = [];
  #median: number | null = null;

  add(ms: number): void {
    this.#recent.push(ms);
    if (this.#recent.length > historyKept) this.#recent.shift();
    this.#median = null;
  }

  /** Null while too little is known. The lower median: when half of the workers are slow, the others set the measure. */
  medianMs(): number | null {
    const { length } = this.#recent;
    if (length < historyNeeded) return null;
    this.#median ??= this.#recent.toSorted((a, b) => a - b)[(length - 1) >> 1] as number;
    return this.#median;
  }
}

/** The pace of every shape. */
export class ShapePaces {
  readonly #paces = new Map<string, ShapePace>();

  of(shape: string): ShapePace {
    const pace = this.#paces.get(shape) ?? new ShapePace();
    this.#paces.set(shape, pace);
    return pace;
  }
}

/** How a member's shards compare with their like. */
export class MemberPace {
  #last = 1;
  #lastButOne = 1;

  /** @param ratio What a shard took, as a multiple of the median of its shape. */
  add(ratio: number): void {
    this.#lastButOne = this.#last;
    this.#last = ratio;
  }

  /** The lesser of the last two ratios: one long pause does not make a worker slow. */
  get slowness(): number {
    return Math.min(this.#last, this.#lastButOne);
  }
}
