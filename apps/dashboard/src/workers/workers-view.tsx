import type { WorkerReport } from '@elbo/protocol/cluster';
import { useEffect, useMemo } from 'preact/hooks';
import { now } from '../components/now.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { ago, bytes, count, duration, percent, plural } from '../format/format.js';
import { linkTo } from '../routes.js';
import { ClusterStore } from '../runs/cluster-store.js';

/** A worker tells of itself every few seconds; one that has not for so long is gone, or its network is. */
export const staleAfterMs = 15_000;

export function WorkersView() {
  const store = useMemo(() => new ClusterStore(), []);
  useEffect(() => () => store.close(), [store]);
  const workers = store.workers.value;
  return (
    <>
      <div class="view-head">
        <h1>Workers</h1>
        {workers !== null && workers.length > 0 && <Totals workers={workers} />}
      </div>
      {workers === null && store.problem.value === null && <Loading what="the workers" />}
      {workers === null && store.problem.value !== null && (
        <ProblemBox title="The workers could not be fetched" reason={store.problem.value} />
      )}
      {workers?.length === 0 && (
        <Empty title="No worker">
          <p>
            Runs wait until one comes. Start it on any machine that reaches Redis: <code>elbo worker</code>
          </p>
        </Empty>
      )}
      {workers !== null && workers.length > 0 && <WorkersTable workers={workers} />}
    </>
  );
}

function Totals({ workers }: { readonly workers: readonly WorkerReport[] }) {
  const alive = workers.filter((worker) => now.value - worker.lastSeenAt < staleAfterMs);
  const threads = alive.reduce((sum, worker) => sum + worker.threads, 0);
  const speed = alive.reduce((sum, worker) => sum + worker.examplesPerSecond, 0);
  return (
    <p class="muted">
      {plural(alive.length, 'worker')}, {plural(threads, 'thread')}, {count(speed)} examples/s
    </p>
  );
}

const heads = ['Worker', 'Load', 'Examples/s', 'Threads', 'Shards', 'Faults', 'Memory', 'Last seen'];

function WorkersTable({ workers }: { readonly workers: readonly WorkerReport[] }) {
  const byName = workers.toSorted((a, b) => a.host.localeCompare(b.host) || a.workerId.localeCompare(b.workerId));
  return (
    <table class="list cards workers">
      <thead>
        <tr>
          {heads.map((head, index) => (
            <th key={head} scope="col" class={index < 2 ? undefined : 'number'}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {byName.map((worker) => (
          <WorkerRow key={worker.workerId} worker={worker} />
        ))}
      </tbody>
    </table>
  );
}

function WorkerRow({ worker }: { readonly worker: WorkerReport }) {
  const { workerId, host, pid, version, threads, load, examplesPerSecond, runs } = worker;
  const stale = now.value - worker.lastSeenAt >= staleAfterMs;
  return (
    <tr class={stale ? 'stale' : undefined}>
      <th scope="row">
        {workerId}
        <span class="sub" title={worker.cpu}>
          {host}, process {pid} · version {version} · up {duration((now.value - worker.startedAt) / 1000)}
        </span>
        <span class="sub">
          {runs.length === 0 && 'idle'}
          {runs.map((runId) => (
            <a key={runId} href={linkTo({ view: 'run', runId, tab: 'curves' })}>
              {runId}
            </a>
          ))}
        </span>
      </th>
      <td data-head="Load">
        <meter min={0} max={1} value={stale ? 0 : load} aria-label={`Load of ${workerId}`}>
          {percent(load)}
        </meter>
        <span class="sub">{stale ? '–' : percent(load)}</span>
      </td>
      <td data-head="Examples/s" class="number">
        {stale ? '–' : count(examplesPerSecond)}
      </td>
      <td data-head="Threads" class="number">
        {threads}
      </td>
      <td data-head="Shards" class="number">
        {count(worker.shardsDone)}
      </td>
      <td data-head="Faults" class={worker.shardsFailed > 0 ? 'number bad' : 'number'}>
        {count(worker.shardsFailed)}
      </td>
      <td data-head="Memory" class="number">
        {bytes(worker.residentBytes)}
      </td>
      <td data-head="Last seen" class={stale ? 'number bad' : 'number'}>
        {stale ? `stale: ${ago(worker.lastSeenAt, now.value)}` : ago(worker.lastSeenAt, now.value)}
      </td>
    </tr>
  );
}
