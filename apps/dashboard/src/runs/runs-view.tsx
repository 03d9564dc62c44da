import type { RunSummary } from '@elbo/protocol/cluster';
import { computed, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { mayChange, ofCluster } from '../api/session.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { plural } from '../format/format.js';
import { linkTo } from '../routes.js';
import { ClusterStore } from './cluster-store.js';
import { filterRuns, type StateGroup, stateGroups } from './filter-runs.js';
import { RunRow } from './run-row.js';

/** More rows than this would slow the page down; the filter finds the rest. */
const shownRuns = 200;

/** The filter stays while one looks at a run, until the page is left. */
const group = signal<StateGroup>('all');
const text = signal('');
const counted = computed(() => group.value !== 'all' || text.value !== '');

export function RunsView() {
  const store = useMemo(() => new ClusterStore(), []);
  useEffect(() => () => store.close(), [store]);
  const runs = store.runs.value;
  return (
    <>
      <div class="view-head">
        <h1>Runs</h1>
        {mayChange.value && (
          <a class="button primary" href={linkTo({ view: 'new', from: null })}>
            New run
          </a>
        )}
      </div>
      {runs === null && store.problem.value === null && <Loading what="the runs" />}
      {runs === null && store.problem.value !== null && (
        <ProblemBox title="The runs could not be fetched" reason={store.problem.value} />
      )}
      {runs?.length === 0 && (
        <Empty title="No run yet">
          <p>
            {mayChange.value ? 'Start one with the button above, or' : 'Start one'} from a terminal:{' '}
            <code>{ofCluster.value ? 'elbo submit mnist' : 'elbo train mnist'}</code>
          </p>
        </Empty>
      )}
      {runs !== null && runs.length > 0 && <RunsTable runs={runs} />}
    </>
  );
}

function RunsTable({ runs }: { readonly runs: readonly RunSummary[] }) {
  const found = filterRuns(runs, group.value, text.value);
  const shown = found.slice(0, shownRuns);
  return (
    <>
      <search class="filters">
        <fieldset class="segments">
          <legend class="hidden">State</legend>
          {(Object.keys(stateGroups) as StateGroup[]).map((name) => (
            <label key={name}>
              <input type="radio" name="group" checked={group.value === name} onChange={() => (group.value = name)} />
              <span>
                {name} <small>{filterRuns(runs, name, '').length}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <label class="search">
          <span class="hidden">Filter by name, id or data set</span>
          <input
            type="search"
            placeholder="Filter by name, id or data set"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
        <span class="muted found" role="status">
          {counted.value && plural(found.length, 'run')}
        </span>
      </search>
      {shown.length === 0 ? (
        <Empty title="No run fits">
          <button
            type="button"
            onClick={() => {
              group.value = 'all';
              text.value = '';
            }}
          >
            Show all
          </button>
        </Empty>
      ) : (
        <table class="list cards runs">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">State</th>
              <th scope="col">Progress</th>
              <th scope="col">Curve</th>
              <th scope="col" class="number">
                ELBO, nats
              </th>
              <th scope="col" class="number">
                Examples/s
              </th>
              <th scope="col" class="number">
                Time
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((run) => (
              <RunRow key={run.runId} run={run} />
            ))}
          </tbody>
        </table>
      )}
      {found.length > shown.length && (
        <p class="muted">The newest {shownRuns} are shown; the filter finds the others.</p>
      )}
    </>
  );
}
