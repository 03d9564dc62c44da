import { Icon } from '../components/icons.js';
import { type CollapseFinding, collapseThresholds } from './posterior-collapse.js';

export function CollapseAlarm({ finding }: { readonly finding: CollapseFinding }) {
  const { level, title, measured, meaning, advice } = finding;
  return (
    <section class={`card alarm alarm-${level}`} role={level === 'collapsed' ? 'alert' : 'status'}>
      <h2>
        <Icon name="warning" />
        {title}
      </h2>
      <dl>
        <dt>Measured</dt>
        <dd>{measured}</dd>
        <dt>What it means</dt>
        <dd>{meaning}</dd>
        <dt>What to try</dt>
        <dd>
          <ul>
            {advice.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </dd>
      </dl>
      <p class="muted small">
        Told when no dimension has a KL above {collapseThresholds.activeUnitNats} nats or all together less than{' '}
        {collapseThresholds.collapsedNats}, or when fewer than {100 * collapseThresholds.fewActiveShare} % are active.
      </p>
    </section>
  );
}
