import type { RunDetail } from '@elbo/protocol/cluster';
import { ofCluster } from '../api/session.js';
import { now } from '../components/now.js';
import { count, duration, nats, short } from '../format/format.js';
import { isWaiting } from './is-over.js';
import { activeUnits } from './posterior-collapse.js';

/** The numbers that one looks at first. */
export function KeyFigures({ run }: { readonly run: RunDetail }) {
  const { latest, klPerDimension, imagesPerSecond, workers, startedAt, endedAt, parameterCount } = run;
  const figure = (term: keyof NonNullable<typeof latest>) => (latest === null ? null : nats(latest[term]));
  const active =
    klPerDimension === null ? null : `${count(activeUnits(klPerDimension))} / ${count(klPerDimension.length)}`;
  return (
    <dl class="figures">
      <Figure name="ELBO" value={figure('elbo')} unit="nats" strong />
      <Figure name="Reconstruction" value={figure('reconstructionLogProb')} unit="nats" />
      <Figure name="KL" value={figure('klDivergence')} unit="nats" />
      <Figure name="Active units" value={active} />
      <Figure name="Examples/s" value={imagesPerSecond > 0 ? count(imagesPerSecond) : null} />
      <Figure name="Workers" value={ofCluster.value ? count(workers) : null} />
      <Figure name="Parameters" value={parameterCount === null ? null : short(parameterCount)} />
      <div>
        <dt>{isWaiting(run) ? 'Since start' : 'Time'}</dt>
        <dd>
          <Elapsed from={startedAt} to={endedAt} />
        </dd>
      </div>
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string | null;
  readonly unit?: string;
  readonly strong?: boolean;
}

function Figure({ name, value, unit, strong = false }: FigureProps) {
  return (
    <div class={strong ? 'figure-strong' : undefined}>
      <dt>{name}</dt>
      <dd>
        {value ?? '–'} {value !== null && unit && <small>{unit}</small>}
      </dd>
    </div>
  );
}

function Elapsed({ from, to }: { readonly from: number | null; readonly to: number | null }) {
  return <>{from === null ? '–' : duration(((to ?? now.value) - from) / 1000)}</>;
}
