import { useEffect, useRef } from 'preact/hooks';

export interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly no: string;
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks before something that cannot be undone. Escape is no. */
export function Confirm({ title, text, yes, no, onAnswer }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onCancel={() => onAnswer(false)}>
      <h2 id="confirm-title">{title}</h2>
      <p>{text}</p>
      <div class="row-end">
        {/* biome-ignore lint/a11y/noAutofocus: the harmless answer of a dialog that was asked for */}
        <button type="button" autoFocus onClick={() => onAnswer(false)}>
          {no}
        </button>
        <button type="button" class="danger" onClick={() => onAnswer(true)}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
