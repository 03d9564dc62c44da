import type { ElboTerms, EpochEvent } from '@elbo/protocol/events';
import { count, duration, nats } from '../format/format.js';
import { epochsWithKl } from '../run/metrics-history.js';
import { activeUnits } from '../run/posterior-collapse.js';

const shownEpochs = epochsWithKl;

/** The curves as numbers. */
export function EpochTable({ epochs }: { readonly epochs: readonly EpochEvent[] }) {
  if (epochs.length === 0) return null;
  return (
    <details class="card">
      <summary>Epochs as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Epochs">
        <table class="plain">
          <thead>
            <tr>
              {['Epoch', 'Train', 'Test', 'Reconstruction', 'KL', 'Active', 'Examples/s', 'Time'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {epochs
              .slice(-shownEpochs)
              .reverse()
              .map((epoch) => (
                <Row key={epoch.epoch} epoch={epoch} />
              ))}
          </tbody>
        </table>
      </section>
      {epochs.length > shownEpochs && <p class="muted">The last {shownEpochs}.</p>}
    </details>
  );
}

function Row({ epoch }: { readonly epoch: EpochEvent }) {
  const measured: ElboTerms = epoch.test ?? epoch.train;
  return (
    <tr>
      <th scope="row" class="number">
        {epoch.epoch}
      </th>
      <td class="number">{nats(epoch.train.elbo)}</td>
      <td class="number">{epoch.test ? nats(epoch.test.elbo) : '–'}</td>
      <td class="number">{nats(measured.reconstructionLogProb)}</td>
      <td class="number">{nats(measured.klDivergence)}</td>
      <td class="number">{activeUnits(epoch.klPerDimension)}</td>
      <td class="number">{count(epoch.imagesPerSecond)}</td>
      <td class="number">{duration(epoch.seconds)}</td>
    </tr>
  );
}
