import { datasetsSchema } from '@elbo/protocol/api';
import { type Launch, prioritySchema, runSummarySchema } from '@elbo/protocol/cluster';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { useSignal } from '@preact/signals';
import { postJson, reasonOf } from '../api/client.js';
import { useFetched } from '../api/use-fetched.js';
import { go } from '../router.js';
import { useDraft } from './draft.js';
import { FieldInput } from './field-input.js';
import { changed, type Field, fieldGroups, withDataset } from './fields.js';
import { type Json, readNumber, readSpec, type SpecReading, writeSpec } from './spec-text.js';

interface SpecFormProps {
  /** Names the form among others. */
  readonly place: string;
  readonly spec: RunSpec;
  readonly launch: Launch;
}

export function SpecForm({ place, spec, launch }: SpecFormProps) {
  const { text, priority, workerLimit } = useDraft(place, spec, launch);
  const busy = useSignal(false);
  const refused = useSignal<string | null>(null);
  const datasets = useFetched(datasetsSchema, 'datasets').value?.datasets ?? [];
  const reading = readSpec(text.value);
  const limit = readLimit(workerLimit.value);

  const change = (field: Field, value: string) => {
    const typeOf = (dataset: Json) => datasets.find(({ name }) => name === dataset)?.elementType;
    const isDataset = field.path === 'dataset.name';
    const json = isDataset ? withDataset(reading.json, value, typeOf) : changed(reading.json, field, value);
    text.value = writeSpec(json);
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!reading.spec || limit === undefined) return;
    busy.value = true;
    refused.value = null;
    try {
      const submission = { spec: reading.spec, priority: priority.value, workerLimit: limit };
      const { runId } = await postJson(runSummarySchema, 'runs', submission);
      go({ view: 'run', runId, tab: 'curves' });
    } catch (error) {
      refused.value = reasonOf(error);
    }
    busy.value = false;
  };
  return (
    <form class="spec-form" onSubmit={submit}>
      <div class="spec-fields">
        {fieldGroups.map(({ title, fields }) => (
          <fieldset key={title} class="card">
            <legend>{title}</legend>
            {fields.map((field) => (
              <FieldInput
                key={field.path}
                field={field}
                json={reading.json}
                choices={field.path === 'dataset.name' ? datasets.map(({ name }) => name) : (field.choices ?? [])}
                problem={problemOf(reading, field)}
                onChange={(value) => change(field, value)}
              />
            ))}
          </fieldset>
        ))}
        <fieldset class="card">
          <legend>Launch</legend>
          <div class="field">
            <label for="priority">Priority</label>
            <select
              id="priority"
              value={priority.value}
              onChange={(event) => (priority.value = prioritySchema.parse(event.currentTarget.value))}
            >
              {prioritySchema.options.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </select>
            <small class="muted">changes nothing in the result</small>
          </div>
          <div class="field">
            <label for="worker-limit">Workers at most</label>
            <input
              id="worker-limit"
              type="text"
              inputMode="numeric"
              placeholder="all"
              value={workerLimit.value}
              aria-invalid={limit === undefined}
              aria-describedby="worker-limit-help"
              onInput={(event) => (workerLimit.value = event.currentTarget.value)}
            />
            <small id="worker-limit-help" class={limit === undefined ? 'problem-line' : 'muted'}>
              {limit === undefined ? 'a number from 1 to 1024, or nothing' : 'nothing means all'}
            </small>
          </div>
        </fieldset>
      </div>
      <div class="spec-json card">
        <label for="spec-json">The whole spec, as JSON</label>
        <div id="spec-problems" role="status">
          {reading.problems.length > 0 && (
            <ul class="problem-line">
              {reading.problems.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          )}
        </div>
        <textarea
          id="spec-json"
          rows={24}
          spellcheck={false}
          value={text.value}
          aria-invalid={reading.spec === null}
          aria-describedby="spec-problems"
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </div>
      <div class="submit-bar">
        <p role="alert" class="problem-line">
          {refused.value}
        </p>
        <a class="button quiet" href="#/">
          Discard
        </a>
        <button type="submit" class="primary" disabled={busy.value || !reading.spec || limit === undefined}>
          {busy.value ? 'Submitting …' : 'Start the run'}
        </button>
      </div>
    </form>
  );
}

/** Null for all workers; undefined for what is no limit. */
function readLimit(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  const limit = readNumber(text);
  return typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= 1024 ? limit : undefined;
}

function problemOf({ problems }: SpecReading, { path }: Field): string | undefined {
  const found = problems.find((problem) => problem.startsWith(`${path}:`) || problem.startsWith(`${path}.`));
  return found?.slice(found.indexOf(':') + 2);
}
