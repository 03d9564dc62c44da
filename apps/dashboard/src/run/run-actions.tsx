import { type RunState, type RunSummary, runSummarySchema } from '@elbo/protocol/cluster';
import { useSignal } from '@preact/signals';
import { postJson, reasonOf } from '../api/client.js';
import { mayChange } from '../api/session.js';
import { Confirm } from '../components/confirm.js';
import { linkTo } from '../routes.js';

type Action = 'pause' | 'resume' | 'cancel';

/** What may be asked of a run in each state. */
export const allowedActions: Readonly<Record<RunState, readonly Action[]>> = {
  queued: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  interrupted: ['resume', 'cancel'],
  completed: [],
  failed: [],
  cancelled: [],
};

interface RunActionsProps {
  readonly run: RunSummary;
  readonly onAnswer: (summary: RunSummary) => void;
}

export function RunActions({ run, onAnswer }: RunActionsProps) {
  const busy = useSignal<Action | null>(null);
  const asking = useSignal(false);
  const problem = useSignal<string | null>(null);
  if (!mayChange.value) return null;
  const act = async (action: Action) => {
    busy.value = action;
    problem.value = null;
    try {
      onAnswer(await postJson(runSummarySchema, `runs/${run.runId}/${action}`));
    } catch (error) {
      problem.value = reasonOf(error);
    }
    busy.value = null;
  };
  const choose = (action: Action) => {
    if (busy.value !== null) return;
    if (action === 'cancel') asking.value = true;
    else void act(action);
  };
  const words = { pause: ['Pause', 'Pausing …'], resume: ['Resume', 'Resuming …'], cancel: ['Cancel', 'Cancelling …'] };
  return (
    <div class="actions">
      {allowedActions[run.state].map((action) => (
        // Not disabled while it is busy, and the same button for pause and resume: it would lose the focus.
        <button
          key={action === 'cancel'}
          type="button"
          class={action === 'cancel' ? 'danger-quiet' : action === 'resume' ? 'primary' : undefined}
          aria-disabled={busy.value !== null}
          onClick={() => choose(action)}
        >
          {words[action][busy.value === action ? 1 : 0]}
        </button>
      ))}
      <a class="button" href={linkTo({ view: 'new', from: run.runId })}>
        Run again with changes
      </a>
      <p role="alert" class="problem-line">
        {problem.value}
      </p>
      {asking.value && (
        <Confirm
          title={`Cancel ${run.name}?`}
          text="It stops for good after the step that it is in. Its metrics and pictures stay, and it cannot be resumed."
          yes="Cancel the run"
          no="Let it go on"
          onAnswer={(yes) => {
            asking.value = false;
            if (yes) void act('cancel');
          }}
        />
      )}
    </div>
  );
}
