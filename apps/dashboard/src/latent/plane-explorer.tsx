import type { LatentPlane } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { api } from '../api/client.js';
import { count, percent, plural } from '../format/format.js';
import { DecodedPicture } from './decoded-picture.js';
import { labelColour } from './draw-plane.js';
import { PlaneCanvas } from './plane-canvas.js';
import type { Point } from './plane-view.js';

interface PlaneExplorerProps {
  readonly runId: string;
  readonly plane: LatentPlane;
}

export function PlaneExplorer({ runId, plane, latentDim }: PlaneExplorerProps & { readonly latentDim: number }) {
  const hovered = useSignal<number | null>(null);
  const pointer = useSignal<Point | null>(null);
  const highlighted = useSignal<number | null>(null);
  const labels = [...new Set(plane.label ?? [])].sort((a, b) => a - b);
  const [first, second] = plane.explainedVariance;
  const axes =
    plane.axes === 'coordinates'
      ? `the ${latentDim === 1 ? 'one latent coordinate' : 'two latent coordinates'}`
      : `the first two principal components of the posterior means: ${percent(first)} and ${percent(second)} of their variance`;
  return (
    <section class="latent" aria-label="Latent plane">
      <div class="card plane">
        <PlaneCanvas plane={plane} hovered={hovered} pointer={pointer} highlighted={highlighted.value} />
        {labels.length > 0 && (
          <fieldset class="labels">
            <legend>Labels</legend>
            {labels.map((label) => (
              <button
                key={label}
                type="button"
                class="label-button"
                aria-pressed={highlighted.value === label}
                onClick={() => (highlighted.value = highlighted.value === label ? null : label)}
              >
                <svg viewBox="0 0 10 10" class={`swatch-label ink-${labelColour(label)}`} aria-hidden="true">
                  <circle cx="5" cy="5" r="5" />
                </svg>
                {label}
              </button>
            ))}
          </fieldset>
        )}
        <p class="muted small">
          {plural(plane.x.length, `${plane.split} example`)} by {axes}; parameters of step {count(plane.step)}.
        </p>
      </div>
      <div class="latent-side">
        {plane.image !== null && <DecodedPicture runId={runId} plane={plane} pointer={pointer.value} />}
        <ExamplePicture runId={runId} plane={plane} index={hovered.value} />
      </div>
    </section>
  );
}

function ExamplePicture({ runId, plane, index }: PlaneExplorerProps & { readonly index: number | null }) {
  const example = index === null ? undefined : plane.example[index];
  const label = index === null ? undefined : plane.label?.[index];
  return (
    <figure class="card side-picture">
      <figcaption>
        <h2>Example</h2>
        <p class="muted" role="status">
          {example === undefined
            ? `Point at a dot to see ${plane.image === null ? 'which example it is' : 'the example behind it'}.`
            : `${plane.split} ${count(example)}${label === undefined ? '' : `, label ${label}`}`}
        </p>
      </figcaption>
      {plane.image === null ? (
        <p class="muted">Examples of this data set are no pictures.</p>
      ) : (
        <div class="pixel-frame">
          {example !== undefined && (
            <img
              class="pixels"
              src={`${api}/runs/${runId}/examples/${example}.png?split=${plane.split}`}
              alt={`Example ${example} of the ${plane.split} split`}
            />
          )}
        </div>
      )}
    </figure>
  );
}
