import type { RunDetail } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { mayChange } from '../api/session.js';
import { count } from '../format/format.js';
import { linkTo } from '../routes.js';

const answerShownMs = 2000;

export function SpecTab({ run }: { readonly run: RunDetail }) {
  const answer = useSignal<string | null>(null);
  const text = JSON.stringify(run.spec, null, 2);
  const { trainExamples, testExamples, priority, workerLimit, coordinator, parametersSha256 } = run;
  const copy = async () => {
    answer.value = await navigator.clipboard.writeText(text).then(
      () => 'Copied',
      () => 'The browser refused',
    );
  };
  useEffect(() => {
    if (answer.value === null) return;
    const timer = setTimeout(() => (answer.value = null), answerShownMs);
    return () => clearTimeout(timer);
  }, [answer.value]);
  return (
    <section class="spec-tab" aria-label="Spec">
      <div class="row-between">
        <p class="muted">All that decides the result: the same spec gives the same bits.</p>
        <div class="row-end">
          {isSecureContext && (
            <button type="button" onClick={() => void copy()}>
              {answer.value ?? 'Copy'}
            </button>
          )}
          {mayChange.value && (
            <a class="button" href={linkTo({ view: 'new', from: run.runId })}>
              Run again with changes
            </a>
          )}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="card code" tabIndex={0} aria-label="The spec as JSON">
        <pre>{text}</pre>
      </section>
      <dl class="facts">
        <dt>Training examples</dt>
        <dd>{trainExamples === null ? '–' : count(trainExamples)}</dd>
        <dt>Test examples</dt>
        <dd>{testExamples === null ? '–' : count(testExamples)}</dd>
        <dt>Priority</dt>
        <dd>{priority}</dd>
        <dt>Workers at most</dt>
        <dd>{workerLimit === null ? 'all' : count(workerLimit)}</dd>
        <dt>Coordinator</dt>
        <dd>{coordinator ?? '–'}</dd>
        <dt>Parameters SHA-256</dt>
        <dd class="mono wrap">{parametersSha256 ?? '–'}</dd>
      </dl>
    </section>
  );
}
