import { useSignal } from '@preact/signals';
import { type Field, written } from './fields.js';
import type { Json } from './spec-text.js';

interface FieldInputProps {
  readonly field: Field;
  /** Undefined while the text is no JSON: nothing can be changed in it then. */
  readonly json: Json | undefined;
  readonly choices: readonly string[];
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
}

export function FieldInput({ field, json, choices, problem, onChange }: FieldInputProps) {
  const { label, path, kind, help } = field;
  /** What is being typed: `0.` and `400,` are written otherwise in the spec. */
  const draft = useSignal<string | null>(null);
  const value = draft.value ?? written(json, field);
  const id = `field-${path.replaceAll('.', '-')}`;
  const shared = {
    id,
    disabled: json === undefined,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-help`,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === 'choice' && choices.length > 0 ? (
        <select {...shared} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {!choices.includes(value) && <option value={value}>{value}</option>}
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          type="text"
          inputMode={kind === 'number' ? 'decimal' : 'text'}
          autoComplete="off"
          spellcheck={false}
          value={value}
          onInput={(event) => {
            draft.value = event.currentTarget.value;
            onChange(event.currentTarget.value);
          }}
          onBlur={() => (draft.value = null)}
        />
      )}
      <small id={`${id}-help`} class={problem === undefined ? 'muted' : 'problem-line'}>
        {problem ?? help}
      </small>
    </div>
  );
}
