import type { RunDetail } from '@elbo/protocol/cluster';
import { useEffect, useMemo } from 'preact/hooks';
import { Loading, ProblemBox } from '../components/states.js';
import { CurvesTab } from '../curves/curves-tab.js';
import { LatentTab } from '../latent/latent-tab.js';
import { PicturesTab } from '../pictures/pictures-tab.js';
import type { RunTab } from '../routes.js';
import { CollapseAlarm } from './collapse-alarm.js';
import { EventsTab } from './events-tab.js';
import { FilesTab } from './files-tab.js';
import { KeyFigures } from './key-figures.js';
import { NoWorkers, waitingForWorker } from './no-workers.js';
import { findCollapse } from './posterior-collapse.js';
import { RunHeader } from './run-header.js';
import { RunStore } from './run-store.js';
import { RunTabs } from './run-tabs.js';
import { SpecTab } from './spec-tab.js';

export function RunView({ runId, tab }: { readonly runId: string; readonly tab: RunTab }) {
  const store = useMemo(() => new RunStore(runId), [runId]);
  useEffect(() => () => store.close(), [store]);
  const run = store.detail.value;
  const problem = store.problem.value;
  const waiting = run?.state === 'running' ? waitingForWorker(store.events.value) : null;
  if (run === null) {
    if (problem === null) return <Loading what={`run ${runId}`} />;
    return (
      <>
        <p class="crumbs">
          <a href="#/">All runs</a>
        </p>
        <div class="view-head">
          <h1 class="wrap">{runId}</h1>
        </div>
        <ProblemBox title={problem.unknown ? 'No such run' : 'The run could not be fetched'} reason={problem.reason} />
      </>
    );
  }
  return (
    <>
      <RunHeader store={store} run={run} />
      <KeyFigures run={run} />
      {waiting !== null && <NoWorkers message={waiting} />}
      <Alarm store={store} run={run} />
      <RunTabs runId={runId} tab={tab} />
      <Tab store={store} run={run} tab={tab} />
    </>
  );
}

function Tab({ store, run, tab }: { readonly store: RunStore; readonly run: RunDetail; readonly tab: RunTab }) {
  if (tab === 'pictures') return <PicturesTab store={store} run={run} />;
  if (tab === 'latent') return <LatentTab run={run} />;
  if (tab === 'events') return <EventsTab store={store} />;
  if (tab === 'spec') return <SpecTab run={run} />;
  if (tab === 'files') return <FilesTab run={run} />;
  return <CurvesTab store={store} run={run} />;
}

/** By the newest epoch; the steps between say nothing of single dimensions. */
function Alarm({ store, run }: { readonly store: RunStore; readonly run: RunDetail }) {
  store.revision.value; // the history is no signal
  const epoch = store.history.epochs.at(-1);
  if (!epoch) return null;
  const { beta, betaWarmupSteps } = run.spec.objective;
  const stepsPerEpoch = Math.round(epoch.step / epoch.epoch);
  const { klPerDimension, step } = epoch;
  const finding = findCollapse({ klPerDimension, step, stepsPerEpoch, beta, betaWarmupSteps });
  return finding && <CollapseAlarm finding={finding} />;
}
