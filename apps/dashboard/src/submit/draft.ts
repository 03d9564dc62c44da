import type { Launch, Priority } from '@elbo/protocol/cluster';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { session } from '../api/session.js';
import { writeSpec } from './spec-text.js';

/** What a form holds that was not sent yet. */
interface Draft {
  readonly text: Signal<string>;
  readonly priority: Signal<Priority>;
  readonly workerLimit: Signal<string>;
}

const kept = new Map<string, Draft>();

/** Of the form at a place. It outlives a session that ends: who signs in again goes on where they were. */
export function useDraft(place: string, spec: RunSpec, launch: Launch): Draft {
  const draft = useMemo(() => kept.get(place) ?? draftOf(spec, launch), [place]);
  useEffect(() => {
    kept.delete(place);
    return () => {
      if (session.value.state === 'out') kept.set(place, draft);
    };
  }, [place, draft]);
  return draft;
}

function draftOf(spec: RunSpec, launch: Launch): Draft {
  return {
    text: signal(writeSpec(spec)),
    priority: signal(launch.priority),
    workerLimit: signal(launch.workerLimit === null ? '' : String(launch.workerLimit)),
  };
}
