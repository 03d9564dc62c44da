import type { ElboTerms, RunStartedEvent } from '@elbo/protocol/events';
import { imageShapeOf } from '../run-folder/image-values.js';

/** Nats with two decimals and a real minus sign. */
export function nats(value: number): string {
  return value.toFixed(2).replace('-', '−');
}

/** 26120.4 -> 26,120 */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** 412 B, 3.1 KB, 2.6 MB, 48 GB */
export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1000 ** power;
  return `${power > 0 && scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`;
}

/** Milliseconds as `just now`, `42 s ago`, `5 min ago`, `3 h ago`, `2 days ago`. Clocks may differ a little. */
export function ago(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 1) return 'just now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** 4.2 s, 1 min 05 s, 2 h 10 min */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** `ELBO −105.90 = reconstruction −80.60 − KL 25.30` */
export function terms({ elbo, reconstructionLogProb, klDivergence }: ElboTerms): string {
  return `${nats(elbo)} (reconstruction ${nats(reconstructionLogProb)}, KL ${nats(klDivergence)})`;
}

/** The line that a run begins with: `mnist: engine compiled, 2 threads, seed 1; embedded: ...` with the reason why. */
export function headline(event: RunStartedEvent, transportReason: string | null): string {
  const threads = plural(event.threads, 'thread');
  const own = event.transport === 'embedded' ? threads : `${plural(event.workers, 'worker')} of ${threads}`;
  // A coordinator of a cluster has no workers of its own, and does not know yet who will come.
  const where = event.threads === 0 ? 'the workers of the cluster' : own;
  return `${event.name}: engine ${event.engine}, ${where}, seed ${event.seed}; ${transportReason ?? event.transport}`;
}

/** The line below it: how much there is to do. */
export function amount(event: RunStartedEvent): string {
  const examples = `${count(event.trainExamples)} training and ${count(event.testExamples)} test examples`;
  const steps = `${plural(event.epochs, 'epoch')} of ${plural(event.stepsPerEpoch, 'step')}`;
  return `${count(event.parameterCount)} parameters; ${examples}; ${steps}; run ${event.runId}`;
}

/** `26,120 images/s`, and examples/s where they are no images or nobody said. */
export function speed(perSecond: number, started: RunStartedEvent | null): string {
  return `${count(perSecond)} ${exampleWord(started)}/s`;
}

/** What a run is trained on: images, or examples. */
export function exampleWord(started: RunStartedEvent | null): 'images' | 'examples' {
  return imageShapeOf(started?.exampleShape ?? []) ? 'images' : 'examples';
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Text from elsewhere, without what could move the cursor or colour the screen. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
