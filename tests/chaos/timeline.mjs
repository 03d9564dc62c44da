/** When a run's steps were done, by this process's clock (milliseconds), from the events of whoever conducts it. */
export class Timeline {
  /** @type {{ at: number, step: number, examples: number }[]} */
  steps = [];
  /** Times of epoch events. */
  epochEnds = [];
  /** The furthest step. */
  progress = 0;
  /** Steps that were computed again after a take-over. */
  repeated = 0;
  /** Trained images, each counted once. */
  images = 0;
  notices = new Map();
  finished = null;
  failed = null;

  /** @param {string} runId */
  constructor(runId) {
    this.runId = runId;
  }

  take(event) {
    if (event.runId !== this.runId) return;
    const at = performance.now();
    if (event.event === 'step') {
      const { step, examples } = event;
      if (step > this.progress) this.images += examples;
      else this.repeated++;
      this.progress = Math.max(this.progress, step);
      this.steps.push({ at, step, examples });
    } else if (event.event === 'epoch') this.epochEnds.push(at);
    else if (event.event === 'notice') {
      this.notices.set(event.code, [...(this.notices.get(event.code) ?? []), event.message]);
    } else if (event.event === 'run-finished') this.finished = event;
    else if (event.event === 'run-failed') this.failed = event;
  }

  /** Milliseconds between a step and the next, within epochs and across their ends. */
  get usual() {
    const within = [];
    const across = [];
    for (const [i, { at, step }] of this.steps.entries()) {
      const before = this.steps[i - 1];
      if (before?.step !== step - 1) continue;
      (this.#epochEndsIn(before.at, at) ? across : within).push(at - before.at);
    }
    return { stepMs: median(within), epochEndMs: median(across) };
  }

  /** Images a second from the first step to the last, evaluations included. */
  get imagesPerSecond() {
    const first = this.steps[0];
    const last = this.steps.at(-1);
    return first && last ? ((this.images - first.examples) / (last.at - first.at)) * 1000 : 0;
  }

  /** Images trained between two times. */
  imagesIn(from, to) {
    return this.steps.filter(({ at }) => at > from && at <= to).reduce((sum, { examples }) => sum + examples, 0);
  }

  /**
   * How long a fault held the run up: until the second step after it was done, beyond what two steps usually take.
   * Null when the run ended before.
   */
  recoveryMs(faultAt, usual) {
    const second = this.steps.filter(({ at }) => at > faultAt)[1];
    if (!second) return null;
    const epochEnds = this.#epochEndsIn(faultAt, second.at);
    const usually = (2 - epochEnds) * usual.stepMs + epochEnds * usual.epochEndMs;
    return Math.max(0, second.at - faultAt - usually);
  }

  #epochEndsIn(from, to) {
    return this.epochEnds.filter((at) => at > from && at <= to).length;
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
