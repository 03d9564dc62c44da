import type { RunSummary } from '@elbo/protocol/cluster';
import { now } from '../components/now.js';
import { Progress } from '../components/progress.js';
import { StateBadge } from '../components/state-badge.js';
import { ago, count, duration, nats } from '../format/format.js';
import { linkTo } from '../routes.js';
import { isWaiting } from '../run/is-over.js';
import { Sparkline } from './sparkline.js';

export function RunRow({ run }: { readonly run: RunSummary }) {
  const { runId, name, dataset, state, epoch, epochs, latest, elboHistory, imagesPerSecond } = run;
  return (
    <tr>
      <th scope="row">
        <a
          class="row-link"
          href={linkTo({ view: 'run', runId, tab: 'curves' })}
          title={`Submitted ${new Date(run.submittedAt).toLocaleString('en-GB')}`}
        >
          {name}
        </a>
        <span class="sub">
          {runId} · {dataset}
        </span>
      </th>
      <td data-head="State">
        <StateBadge state={state} />
      </td>
      <td data-head="Progress">
        <Progress run={run} label={`Progress of ${name}`} />
        <span class="sub">
          epoch {count(epoch)} of {count(epochs)}
        </span>
      </td>
      <td data-head="Curve">
        <Sparkline values={elboHistory} />
      </td>
      <td data-head="ELBO, nats" class="number strong">
        {latest === null ? '–' : nats(latest.elbo)}
      </td>
      <td data-head="Examples/s" class="number">
        {imagesPerSecond > 0 ? count(imagesPerSecond) : '–'}
      </td>
      <td data-head="Time" class="number">
        <Time run={run} />
      </td>
    </tr>
  );
}

function Time({ run }: { readonly run: RunSummary }) {
  const { submittedAt, startedAt, endedAt } = run;
  const took = startedAt === null ? '–' : duration(((endedAt ?? now.value) - startedAt) / 1000);
  return (
    <>
      {took}
      {isWaiting(run) && <span class="sub">since start</span>}
      <time class="sub" dateTime={new Date(submittedAt).toISOString()}>
        {ago(submittedAt, now.value)}
      </time>
    </>
  );
}
