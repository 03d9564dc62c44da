/** A claim is (round, next part) in one word, so that a part can be taken only in the round that it was seen in. */
const partBits = 8;
const partMask = (1 << partBits) - 1;
const claimWord = 0;
const doneWord = 1;
/** Looks at a part that another thread has in hands, before it sleeps until that thread is done. */
const patience = 20_000;
const sleepMs = 10;

/** The most parts of a round. */
export const mostParts = partMask;

/**
 * Hands out the parts of a round of work, each once, to whichever threads ask for them. One thread opens rounds, one
 * after the other, and waits for each to end; the others join in as they have time, or not at all.
 */
export class PartCounter {
  /** 32-bit words of shared memory that it takes. */
  static readonly words = 2;

  /** @param words Shared by all threads of the counter. @param parts Of each round, at most `mostParts`. */
  constructor(
    private readonly words: Int32Array,
    readonly parts: number,
  ) {}

  /** Before any other thread sees the words: no round is open. */
  initialize(): void {
    Atomics.store(this.words, claimWord, this.parts);
  }

  /** Opens the next round. What its parts work on stands in memory already. */
  open(): void {
    Atomics.store(this.words, doneWord, 0);
    const round = (Atomics.load(this.words, claimWord) >>> partBits) + 1;
    Atomics.store(this.words, claimWord, round << partBits);
  }

  /** A part for the calling thread, which calls `done` after it; null when none is left. */
  take(): number | null {
    for (;;) {
      const claim = Atomics.load(this.words, claimWord);
      const part = claim & partMask;
      if (part >= this.parts) return null;
      if (Atomics.compareExchange(this.words, claimWord, claim, claim + 1) === claim) return part;
    }
  }

  done(): void {
    Atomics.add(this.words, doneWord, 1);
    Atomics.notify(this.words, doneWord);
  }

  /** Returns when all parts of the round are done. */
  waitForAll(): void {
    for (let looks = 0; ; looks++) {
      const done = Atomics.load(this.words, doneWord);
      if (done === this.parts) return;
      if (looks > patience) Atomics.wait(this.words, doneWord, done, sleepMs);
    }
  }
}
