/** Points of a step at which a coordinator may be struck down; tests do. */
export const conductPhases = [
  'before-dispatch',
  'between-contributions',
  'after-update',
  'during-publish',
  'before-snapshot',
  'before-checkpoint-rename',
] as const;
export type ConductPhase = (typeof conductPhases)[number];
export type OnPhase = (phase: ConductPhase, step: number) => void;
