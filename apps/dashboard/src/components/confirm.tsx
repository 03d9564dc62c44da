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
  const answer = (is: boolean) => {
    // Closed, it gives the focus back to where it was; taken out of the page while it is open, to nothing.
    dialog.current?.close();
    onAnswer(is);
  };
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onCancel={() => answer(false)}>
      <h2 id="confirm-title">{title}</h2>
      <p>{text}</p>
      <div class="row-end">
        {/* biome-ignore lint/a11y/noAutofocus: the harmless answer of a dialog that was asked for */}
        <button type="button" autoFocus onClick={() => answer(false)}>
          {no}
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
