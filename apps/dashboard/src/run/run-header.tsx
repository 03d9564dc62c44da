import type { RunDetail } from '@elbo/protocol/cluster';
import { useEffect } from 'preact/hooks';
import { ofCluster } from '../api/session.js';
import { Progress, progressOf } from '../components/progress.js';
import { StateBadge } from '../components/state-badge.js';
import { count, duration, percent } from '../format/format.js';
import { RunActions } from './run-actions.js';
import type { RunStore } from './run-store.js';

export function RunHeader({ store, run }: { readonly store: RunStore; readonly run: RunDetail }) {
  const title = `${run.state === 'running' ? percent(progressOf(run)) : run.state} · ${run.name} · Elbo`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <header class="run-head">
      <div class="run-title">
        <p class="crumbs">
          <a href="#/">Runs</a> <span aria-hidden="true">/</span> <span class="mono">{run.runId}</span>
        </p>
        <h1>
          {run.name} <StateBadge state={run.state} />
        </h1>
        <p class="hidden" role="status">
          The run is {run.state}.
        </p>
      </div>
      <RunActions run={run} onAnswer={(summary) => store.takeSummary(summary)} />
      <div class="run-progress">
        <Progress run={run} label="Progress" />
        <p class="muted">
          <Where run={run} />
        </p>
      </div>
      {run.error !== null && (
        <div class="card problem" role="alert">
          <strong>{run.error.code}</strong> {run.error.message}
        </div>
      )}
    </header>
  );
}

function Where({ run }: { readonly run: RunDetail }) {
  const { step, totalSteps, epoch, epochs, state, workers } = run;
  const steps = totalSteps === null ? 'no step yet' : `step ${count(step)} of ${count(totalSteps)}`;
  // Without a worker there is no end in sight; `elbo dashboard` knows of none, and the run goes on.
  const goesOn = state === 'running' && (workers > 0 || !ofCluster.value);
  const left = goesOn ? secondsLeft(run) : null;
  return (
    <>
      {percent(progressOf(run))} · epoch {count(epoch)} of {count(epochs)} · {steps}
      {left !== null && ` · about ${duration(left)} left`}
      {state === 'queued' && ' · waiting for a coordinator'}
    </>
  );
}

/** By the images of the steps to come and the speed of now; null when either is unknown. */
export function secondsLeft(run: RunDetail): number | null {
  const { trainExamples, totalSteps, step, epochs, imagesPerSecond } = run;
  if (trainExamples === null || totalSteps === null || totalSteps === 0 || imagesPerSecond <= 0) return null;
  return ((1 - step / totalSteps) * epochs * trainExamples) / imagesPerSecond;
}
