import type { RunDetail } from '@elbo/protocol/cluster';
import { useEffect, useMemo } from 'preact/hooks';
import { Empty, Loading } from '../components/states.js';
import { plural } from '../format/format.js';
import { isOver } from '../run/is-over.js';
import type { RunStore } from '../run/run-store.js';
import { ComparePicker, useCompared } from './compare.js';
import { CurveControls } from './curve-controls.js';
import { lastStep, zoom } from './curve-settings.js';
import { EpochTable } from './epoch-table.js';
import { KlBars } from './kl-bars.js';
import { GradientNormPlot, StepTimePlot, ThroughputPlot } from './speed-plots.js';
import { TermPlot } from './term-plot.js';

export function CurvesTab({ store, run }: { readonly store: RunStore; readonly run: RunDetail }) {
  const revision = store.revision.value;
  const { steps, epochs } = store.history;
  // The history changes in place; plots are drawn anew for a new object alone.
  const own = useMemo(() => ({ steps: [...steps], epochs }), [store, revision]);
  const others = useCompared(run.runId, run.epoch);
  // What was dragged on one run means nothing on another.
  useEffect(() => {
    zoom.value = null;
  }, [run.runId]);
  const newest = Math.max(steps.at(-1)?.step ?? 1, epochs.at(-1)?.step ?? 1);
  useEffect(() => {
    lastStep.value = newest;
  }, [newest]);
  if (steps.length === 0 && epochs.length === 0) {
    if (!store.metricsKnown.value) return <Loading what="the curves" />;
    if (isOver(run)) {
      return (
        <Empty title="No step">
          <p>The run ended before its first step.</p>
        </Empty>
      );
    }
    return (
      <Empty title="No step yet">
        <p>
          {run.state === 'queued'
            ? 'The run waits for a coordinator. The curves begin with its first step.'
            : 'The curves begin with the first step.'}
        </p>
      </Empty>
    );
  }
  const sync = { key: run.runId, zoom };
  const kl = epochs.at(-1)?.klPerDimension ?? run.klPerDimension;
  return (
    <section aria-label="Curves">
      <CurveControls />
      <div class="plots">
        <div class="plot-wide">
          <TermPlot term="elbo" title="ELBO" own={own} others={others} sync={sync} height={300} />
        </div>
        <TermPlot term="reconstructionLogProb" title="Reconstruction" own={own} others={others} sync={sync} />
        <TermPlot term="klDivergence" title="KL" own={own} others={others} sync={sync} />
        {kl !== null && kl.length > 0 && <KlBars klPerDimension={kl} />}
        <ThroughputPlot steps={own.steps} sync={sync} />
        <StepTimePlot steps={own.steps} sync={sync} />
        <GradientNormPlot steps={own.steps} sync={sync} />
      </div>
      <p class="muted small hint">
        In nats for each example, higher is better. Drag over a plot to zoom, double-click to see all again.{' '}
        <span class="drawn">{plural(steps.length, 'step')} drawn.</span>
      </p>
      <ComparePicker runId={run.runId} occasion={run.epoch} />
      <EpochTable epochs={epochs} />
    </section>
  );
}
