import type { RunEvent } from '@elbo/protocol/events';
import { useSignal } from '@preact/signals';
import { now } from '../components/now.js';
import { Empty } from '../components/states.js';
import { count, duration, moment, nats, plural } from '../format/format.js';
import { mostKeptEvents } from './kept-events.js';
import type { RunStore } from './run-store.js';

const choices = {
  notable: { label: 'all but checkpoints', shows: (event: RunEvent) => event.event !== 'checkpoint' },
  warnings: { label: 'warnings and failures', shows: isWarning },
  all: { label: 'everything', shows: () => true },
} as const;

export function EventsTab({ store }: { readonly store: RunStore }) {
  const chosen = useSignal<keyof typeof choices>('notable');
  const events = store.events.value.filter(choices[chosen.value].shows);
  return (
    <section aria-label="Events">
      <label class="choice">
        Show
        <select
          value={chosen.value}
          onChange={(event) => (chosen.value = event.currentTarget.value as keyof typeof choices)}
        >
          {Object.entries(choices).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {events.length === 0 ? (
        <Empty title={chosen.value === 'warnings' ? 'No warning' : 'Nothing yet'}>
          <p>
            {chosen.value === 'warnings'
              ? 'Nothing of this run asked for attention.'
              : 'Events come as the run goes on.'}
          </p>
        </Empty>
      ) : (
        <ol class="events card">
          {events.toReversed().map((event) => (
            <li
              key={`${event.event}-${event.time}-${describeEvent(event)}`}
              class={isWarning(event) ? 'event-warning' : undefined}
            >
              <time dateTime={new Date(event.time).toISOString()}>{moment(event.time, now.peek())}</time>
              <span class="event-kind">{event.event === 'notice' ? event.code : event.event}</span>
              <span class="event-text">{describeEvent(event)}</span>
            </li>
          ))}
        </ol>
      )}
      {store.events.value.length >= mostKeptEvents && (
        <p class="muted hint">The oldest epochs and checkpoints are left out; metrics.ndjson has all of them.</p>
      )}
    </section>
  );
}

function isWarning(event: RunEvent): boolean {
  return event.event === 'run-failed' || (event.event === 'notice' && event.level === 'warning');
}

export function describeEvent(event: RunEvent): string {
  switch (event.event) {
    case 'run-started':
      return `${event.engine}, ${event.transport}; ${plural(event.epochs, 'epoch')} of ${plural(event.stepsPerEpoch, 'step')}; ${count(event.parameterCount)} parameters`;
    case 'epoch': {
      const { elbo, reconstructionLogProb, klDivergence } = event.test ?? event.train;
      return `epoch ${event.epoch}: ${event.test ? 'test' : 'train'} ELBO ${nats(elbo)} = ${nats(reconstructionLogProb)} − ${nats(klDivergence)}; ${count(event.imagesPerSecond)} examples/s, ${duration(event.seconds)}`;
    }
    case 'checkpoint':
      return `saved after step ${count(event.step)}`;
    case 'notice':
      return event.message;
    case 'run-finished':
      return `${event.outcome} after step ${count(event.step)}, ${duration(event.seconds)}; parameters ${event.parametersSha256.slice(0, 12)}…`;
    case 'run-failed':
      return `${event.code}: ${event.message}`;
    case 'step':
      return `step ${count(event.step)}: ELBO ${nats(event.elbo)}`;
  }
}
