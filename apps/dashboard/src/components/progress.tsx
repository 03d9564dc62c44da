import type { RunSummary } from '@elbo/protocol/cluster';

/** Of all steps, 0 to 1. */
export function progressOf({ step, totalSteps, epoch, epochs }: RunSummary): number {
  if (totalSteps) return Math.min(1, step / totalSteps);
  return epochs > 0 ? Math.min(1, epoch / epochs) : 0;
}

export function Progress({ run, label }: { readonly run: RunSummary; readonly label: string }) {
  return (
    <progress class={`progress progress-${run.state}`} max={1} value={progressOf(run)} aria-label={label}>
      {Math.round(100 * progressOf(run))} %
    </progress>
  );
}
