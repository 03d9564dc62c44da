import type { RunRecorder } from '@elbo/transport/run-directory';
import type { CoordinatorSurroundings } from './surroundings.js';

const askMs = 500;

/** When a run that is conducted is to save and stop, and why: its coordinator ends, or people want it to. */
export class RunStop {
  readonly signal: AbortSignal;
  readonly #wanted = new AbortController();
  #why: 'pause' | 'cancel' | null = null;
  readonly #timer: NodeJS.Timeout | undefined;
  #asking = false;

  /** @param recorder Asked twice a second; null where nobody can want anything. */
  constructor(
    private readonly surroundings: Pick<CoordinatorSurroundings, 'signal' | 'whenStopped'>,
    recorder: RunRecorder | null,
  ) {
    this.signal = AbortSignal.any([surroundings.signal, this.#wanted.signal]);
    if (recorder) this.#timer = setInterval(() => void this.#ask(recorder), askMs);
  }

  /** What is to become of the run, once the signal is aborted. */
  get why(): 'end' | 'give-back' | 'pause' | 'cancel' {
    return this.#why ?? this.surroundings.whenStopped;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** One question at a time: a Redis that is away answers later. */
  async #ask(recorder: RunRecorder): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const wanted = await recorder.wanted();
      if (wanted === 'run') return;
      this.#why = wanted;
      this.#wanted.abort();
    } catch {
      // Asked again in a moment.
    } finally {
      this.#asking = false;
    }
  }
}
