import { type RunDetail, type RunState, type RunSummary, runStateSchema } from '@elbo/protocol/cluster';
import { elboTermsSchema, type RunEvent } from '@elbo/protocol/events';
import { launchSchema, sha256Schema } from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';

export const elboHistoryLength = 50;

/** How far a run has come, as its conductor keeps it in the record. */
export const runProgressSchema = z.strictObject({
  /** Epochs reported. */
  epoch: z.int().min(0),
  step: z.int().min(0),
  totalSteps: z.int().nullable(),
  latest: elboTermsSchema.nullable(),
  elboHistory: z.array(z.number()).max(elboHistoryLength),
  imagesPerSecond: z.number(),
  parameterCount: z.int().nullable(),
  trainExamples: z.int().nullable(),
  testExamples: z.int().nullable(),
  parametersSha256: sha256Schema.nullable(),
});
export type RunProgress = z.infer<typeof runProgressSchema>;

export const noProgress: RunProgress = {
  epoch: 0,
  step: 0,
  totalSteps: null,
  latest: null,
  elboHistory: [],
  imagesPerSecond: 0,
  parameterCount: null,
  trainExamples: null,
  testExamples: null,
  parametersSha256: null,
};

/** What the progress is after an event. */
export function progressAfter(progress: RunProgress, event: RunEvent): RunProgress {
  switch (event.event) {
    case 'run-started': {
      const { parameterCount, trainExamples, testExamples, stepsPerEpoch, epochs } = event;
      return { ...progress, parameterCount, trainExamples, testExamples, totalSteps: stepsPerEpoch * epochs };
    }
    case 'step': {
      const { step, imagesPerSecond, elbo, reconstructionLogProb, klDivergence } = event;
      const latest = progress.epoch > 0 ? progress.latest : { elbo, reconstructionLogProb, klDivergence };
      return { ...progress, step, imagesPerSecond, latest };
    }
    case 'epoch': {
      const latest = event.test ?? event.validation ?? event.train;
      // An epoch that is computed again, after a take-over, is reported again.
      const before = progress.elboHistory.slice(
        0,
        progress.elboHistory.length - Math.max(0, progress.epoch - event.epoch + 1),
      );
      const elboHistory = [...before, latest.elbo].slice(-elboHistoryLength);
      return { ...progress, epoch: event.epoch, step: event.step, latest, elboHistory };
    }
    case 'run-finished': {
      const { step, parametersSha256, imagesPerSecond } = event;
      return { ...progress, step, parametersSha256, imagesPerSecond };
    }
    default:
      return progress;
  }
}

/** The fields of a record that a summary needs. */
export const summaryFields = [
  'spec',
  'launch',
  'state',
  'wanted',
  'submittedAt',
  'startedAt',
  'endedAt',
  'coordinator',
  'progress',
  'error',
  'queueing',
] as const;

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('not JSON');
    return z.NEVER;
  }
});
const time = z.coerce.number().pipe(z.number().min(0));
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);

const entrySchema = z.object({
  spec: json.pipe(runSpecSchema),
  launch: json.pipe(launchSchema),
  state: runStateSchema,
  wanted: optional(z.enum(['run', 'pause', 'cancel'])),
  submittedAt: time,
  /** How often it was put back into the queue. */
  queueing: z.coerce.number().pipe(z.int().min(0)),
  startedAt: optional(time),
  endedAt: optional(time),
  coordinator: optional(z.string().max(512)),
  progress: optional(json.pipe(runProgressSchema)),
  error: optional(json.pipe(z.strictObject({ code: z.string(), message: z.string() }))),
  klPerDimension: optional(json.pipe(z.array(z.number()).max(4096))),
});
export type RunEntry = z.infer<typeof entrySchema>;
/** What of an entry people see. */
export type ShownEntry = Omit<RunEntry, 'queueing'>;

/** A record as Redis has it: null when it is not one that a directory of ours wrote. */
export function readEntry(fields: Readonly<Record<string, string | null>>): RunEntry | null {
  return entrySchema.safeParse(fields).data ?? null;
}

/** @param conducted Whether somebody holds the run's lease. */
export function summaryOf(runId: string, entry: ShownEntry, conducted: boolean, workers: number): RunSummary {
  const { spec, launch, submittedAt, startedAt, endedAt, coordinator, error } = entry;
  const { parameterCount: _p, trainExamples: _t, testExamples: _e, ...progress } = entry.progress ?? noProgress;
  const state = stateNow(entry, conducted);
  const running = state === 'running';
  return {
    runId,
    name: spec.name,
    dataset: spec.dataset.name,
    state,
    ...launch,
    submittedAt,
    startedAt,
    endedAt,
    epochs: spec.training.epochs,
    ...progress,
    imagesPerSecond: running || state === 'completed' ? progress.imagesPerSecond : 0,
    workers: running ? workers : 0,
    coordinator: running ? coordinator : null,
    error,
  };
}

export function detailOf(runId: string, entry: ShownEntry, conducted: boolean, workers: number): RunDetail {
  const { parameterCount, trainExamples, testExamples } = entry.progress ?? noProgress;
  const { spec, klPerDimension } = entry;
  const facts = { spec, parameterCount, trainExamples, testExamples, klPerDimension };
  return { ...summaryOf(runId, entry, conducted, workers), ...facts };
}

/** A run whose coordinator is gone waits for the next one, or is what was wanted of it. */
function stateNow({ state, wanted }: ShownEntry, conducted: boolean): RunState {
  if (conducted || (state !== 'running' && state !== 'queued')) return state;
  if (wanted === 'pause') return 'paused';
  return wanted === 'cancel' ? 'cancelled' : 'queued';
}
