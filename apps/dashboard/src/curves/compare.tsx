import { type RunMetrics, type RunSummary, runMetricsSchema } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { getJson, reasonOf } from '../api/client.js';
import { StateBadge } from '../components/state-badge.js';
import { MetricsHistory } from '../run/metrics-history.js';
import { listRuns } from '../runs/cluster-store.js';
import { filterRuns } from '../runs/filter-runs.js';
import { compared, maximumCompared } from './curve-settings.js';
import type { ComparedRun } from './term-plot.js';

const pointsWanted = 500;
const offeredRuns = 30;
/** While one of them is not at its end. */
const fetchEveryMs = 10_000;

/** Picks the runs that are drawn beside this one. */
export function ComparePicker({ runId, occasion }: { readonly runId: string; readonly occasion: number }) {
  const runs = useSignal<readonly RunSummary[] | null>(null);
  const text = useSignal('');
  const problem = useSignal<string | null>(null);
  const open = useSignal(false);
  // Runs begin and end meanwhile.
  useEffect(() => {
    if (!open.value) return;
    listRuns().then(
      (list) => {
        runs.value = list.filter((run) => run.runId !== runId);
        problem.value = null;
      },
      (error: unknown) => {
        problem.value = reasonOf(error);
      },
    );
  }, [runId, occasion, open.value]);
  const offered = filterRuns(runs.value ?? [], 'all', text.value).slice(0, offeredRuns);
  const full = compared.value.length >= maximumCompared;
  return (
    <details class="card compare" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>
        Compare with other runs
        {compared.value.length > 0 && <span class="chip">{compared.value.length}</span>}
      </summary>
      <p role="alert" class="problem-line">
        {problem.value}
      </p>
      <input
        type="search"
        placeholder="Filter"
        aria-label="Filter the runs to compare with"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <ul>
        {offered.map((run) => {
          const picked = compared.value.includes(run.runId);
          return (
            <li key={run.runId}>
              <label class="check">
                <input type="checkbox" checked={picked} disabled={full && !picked} onChange={() => toggle(run.runId)} />
                <span>{run.name}</span>
                <span class="muted mono">{run.runId}</span>
                <StateBadge state={run.state} />
              </label>
            </li>
          );
        })}
      </ul>
      {runs.value !== null && offered.length === 0 && <p class="muted">No other run{text.value && ' fits'}.</p>}
      {full && <p class="muted">{maximumCompared} at most.</p>}
    </details>
  );
}

function toggle(runId: string): void {
  const others = compared.value.filter((other) => other !== runId);
  compared.value = others.length < compared.value.length ? others : [...others, runId];
}

/** The curves of the picked runs, fetched when they are picked and on every occasion. */
export function useCompared(runId: string, occasion: number): readonly ComparedRun[] {
  const fetched = useSignal<readonly ComparedRun[]>([]);
  const again = useSignal(0);
  // They go on when this run does not.
  const grow = fetched.value.some(({ run }) => filterRuns([run], 'active', '').length > 0);
  useEffect(() => {
    if (!grow) return;
    const timer = setInterval(() => {
      if (!document.hidden) again.value++;
    }, fetchEveryMs);
    return () => clearInterval(timer);
  }, [grow]);
  const wanted = compared.value.filter((other) => other !== runId);
  const key = wanted.join();
  // The key stands for what is wanted.
  useEffect(() => {
    const abort = new AbortController();
    const fetchAll = async () => {
      const runs = wanted.length > 0 ? await listRuns() : [];
      const metrics = await Promise.all(wanted.map((other) => fetchMetrics(other, abort.signal)));
      if (abort.signal.aborted) return;
      fetched.value = wanted.flatMap((other, index) => {
        const run = runs.find((candidate) => candidate.runId === other);
        const found = metrics[index];
        return run && found ? [{ run, history: historyOf(found) }] : [];
      });
    };
    // What cannot be fetched is not drawn; the banner tells of a coordinator that does not answer.
    fetchAll().catch(() => {});
    return () => abort.abort();
  }, [key, occasion, again.value]);
  return fetched.value;
}

async function fetchMetrics(runId: string, signal: AbortSignal): Promise<RunMetrics | null> {
  return getJson(runMetricsSchema, `runs/${runId}/metrics?points=${pointsWanted}`, signal).catch(() => null);
}

function historyOf(metrics: RunMetrics): MetricsHistory {
  const history = new MetricsHistory();
  history.merge(metrics);
  return history;
}
