import { pictureEpochsSchema } from '@elbo/protocol/api';
import type { RunDetail } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client.js';
import { useFetched } from '../api/use-fetched.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { plural } from '../format/format.js';
import { isOver } from '../run/is-over.js';
import type { RunStore } from '../run/run-store.js';

const playEveryMs = 400;

/** Samples and reconstructions as the epochs went by. */
export function PicturesTab({ store, run }: { readonly store: RunStore; readonly run: RunDetail }) {
  store.revision.value; // an epoch may have ended
  const occasion = `${store.history.epochs.at(-1)?.epoch ?? 0} ${run.state}`;
  const fetched = useFetched(pictureEpochsSchema, `runs/${run.runId}/pictures`, occasion);
  if (fetched.value === null) {
    if (fetched.problem !== null)
      return <ProblemBox title="The pictures could not be listed" reason={fetched.problem} />;
    return <Loading what="the pictures" />;
  }
  const { epochs } = fetched.value;
  if (epochs.length === 0) {
    return (
      <Empty title={isOver(run) ? 'No picture' : 'No picture yet'}>
        <p>Samples and reconstructions are drawn at the end of an epoch, of data sets that are pictures.</p>
      </Empty>
    );
  }
  return <Album runId={run.runId} epochs={epochs} />;
}

function Album({ runId, epochs }: { readonly runId: string; readonly epochs: readonly number[] }) {
  /** Null follows the newest. */
  const chosen = useSignal<number | null>(null);
  const playing = useSignal(false);
  const last = epochs.length - 1;
  const place = Math.min(chosen.value ?? last, last);
  const epoch = epochs[place] as number;
  usePlaying(playing, chosen, last);
  const choose = (to: number) => {
    playing.value = false;
    chosen.value = to === last ? null : to;
  };
  return (
    <section aria-label="Samples and reconstructions">
      <div class="card album-controls">
        <button
          type="button"
          disabled={last === 0}
          onClick={() => {
            if (!playing.value && place === last) chosen.value = 0;
            playing.value = !playing.value;
          }}
        >
          {playing.value ? 'Stop' : 'Play'}
        </button>
        <label class="slider wide">
          Epoch <b>{epoch}</b>
          <input
            type="range"
            min={0}
            max={last}
            step={1}
            value={place}
            aria-valuetext={`epoch ${epoch}`}
            onInput={(event) => choose(event.currentTarget.valueAsNumber)}
          />
        </label>
        <span class="muted">{plural(epochs.length, 'epoch')} drawn</span>
      </div>
      <div class="album">
        <Picture
          runId={runId}
          epoch={epoch}
          kind="samples"
          title="Samples"
          text="Decoded from draws of the prior: the same draws each epoch."
        />
        <Picture
          runId={runId}
          epoch={epoch}
          kind="reconstructions"
          title="Reconstructions"
          text="Test examples, and what the model makes of them."
        />
      </div>
    </section>
  );
}

function usePlaying(playing: { value: boolean }, chosen: { value: number | null }, last: number): void {
  const on = playing.value;
  // The signals stay the same.
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (document.hidden) return;
      const next = (chosen.value ?? 0) + 1;
      chosen.value = next >= last ? null : next;
      if (next >= last) playing.value = false;
    }, playEveryMs);
    return () => clearInterval(timer);
  }, [on, last]);
}

interface PictureProps {
  readonly runId: string;
  readonly epoch: number;
  readonly kind: 'samples' | 'reconstructions';
  readonly title: string;
  readonly text: string;
}

function Picture({ runId, epoch, kind, title, text }: PictureProps) {
  const missing = useSignal<number | null>(null);
  const source = `${api}/runs/${runId}/pictures/${epoch}/${kind}.png`;
  return (
    <figure class="card">
      <figcaption>
        <h2>{title}</h2>
        <p class="muted">{text}</p>
      </figcaption>
      <img
        src={source}
        alt={`${title} after epoch ${epoch}`}
        hidden={missing.value === epoch}
        onLoad={() => (missing.value = null)}
        onError={() => (missing.value = epoch)}
      />
      {missing.value === epoch && <p class="muted">There is no such picture of epoch {epoch}.</p>}
    </figure>
  );
}
