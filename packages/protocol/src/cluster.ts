import { z } from 'zod';
import { elboTermsSchema, epochEventSchema, runEventSchema } from './events.js';
import { launchSchema, memberHelloSchema, runIdSchema, sha256Schema } from './messages.js';
import { runSpecSchema } from './run-spec.js';

export { type Launch, launchSchema, type Priority, prioritySchema } from './messages.js';

/** What a cluster tells of itself, and what it is asked: the bodies of the HTTP API, which `--json` prints too. */

/** Paused: saved and out of the queue until it is resumed. Interrupted: stopped with its coordinator, and kept. */
export const runStateSchema = z.enum([
  'queued',
  'running',
  'paused',
  'completed',
  'interrupted',
  'failed',
  'cancelled',
]);
export type RunState = z.infer<typeof runStateSchema>;

/** POST /api/v1/runs: how it is run says nothing of what comes out, so it is not in the spec. */
export const submissionSchema = z.strictObject({ spec: runSpecSchema, ...launchSchema.shape });
export type Submission = z.infer<typeof submissionSchema>;

export const runSummarySchema = z.strictObject({
  runId: runIdSchema,
  name: z.string(),
  dataset: z.string(),
  state: runStateSchema,
  ...launchSchema.shape,
  submittedAt: z.number().describe('Milliseconds since the Unix epoch, as all times.'),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  epoch: z.int().describe('Epochs reported.'),
  epochs: z.int(),
  step: z.int().describe('Updates done.'),
  totalSteps: z.int().nullable().describe('Null before the first coordinator took it.'),
  latest: elboTermsSchema
    .nullable()
    .describe('The newest known, in nats for each example: of the test split by preference.'),
  elboHistory: z.array(z.number()).max(50).describe('The ELBO of the last epochs, oldest first: 50 at most.'),
  imagesPerSecond: z.number(),
  workers: z.int(),
  coordinator: z.string().nullable().describe('Who conducts it.'),
  parametersSha256: sha256Schema.nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

export const runDetailSchema = z.strictObject({
  ...runSummarySchema.shape,
  spec: runSpecSchema,
  parameterCount: z.int().nullable(),
  trainExamples: z.int().nullable(),
  testExamples: z.int().nullable(),
  klPerDimension: z.array(z.number()).nullable(),
});
export type RunDetail = z.infer<typeof runDetailSchema>;

/**
 * An event with its place in the run's stream: a watcher that comes back names the last that it saw. The stream of a
 * run (server-sent events) begins with what is kept after that place; the first `state` comes after it, and so says that
 * the watcher has caught up. Without anything to say, a comment at least every 20 seconds shows that it is alive.
 */
export const placedEventSchema = z.strictObject({ id: z.string(), event: runEventSchema });
export type PlacedEvent = z.infer<typeof placedEventSchema>;

const series = z.array(z.number().nullable());
/** The curves of a run: of its steps a choice, evenly over the run, of its epochs all. */
export const runMetricsSchema = z.strictObject({
  steps: z.strictObject({
    step: z.array(z.int()),
    elbo: series,
    reconstructionLogProb: series,
    klDivergence: series,
    gradientNorm: series,
    learningRate: series,
    beta: series,
    imagesPerSecond: series,
    computeMs: series.describe('Where the time of a step went, milliseconds.'),
    transportMs: series,
    reduceMs: series,
    waitMs: series,
  }),
  epochs: z.array(epochEventSchema),
});
export type RunMetrics = z.infer<typeof runMetricsSchema>;

export const workerReportSchema = z.strictObject({
  ...memberHelloSchema.shape,
  startedAt: z.number(),
  lastSeenAt: z.number(),
  runs: z.array(runIdSchema).describe('Runs that it computes for now.'),
  shardsDone: z.int(),
  shardsFailed: z.int(),
  examplesPerSecond: z.number(),
  load: z.number().describe("Of its threads' time in the last seconds, 0 to 1."),
  residentBytes: z.number(),
});
export type WorkerReport = z.infer<typeof workerReportSchema>;

export const artefactSchema = z.strictObject({ name: z.string(), bytes: z.number(), contentType: z.string() });
export type Artefact = z.infer<typeof artefactSchema>;

/** Test examples (of the train split without one) in the plane of the latent space that shows most of them. */
export const latentPlaneSchema = z.strictObject({
  step: z.int().describe('Of the parameters it was drawn with.'),
  axes: z.enum(['coordinates', 'principal-components']),
  explainedVariance: z
    .tuple([z.number(), z.number()])
    .describe('Of the variance of the posterior means, by the two axes.'),
  x: z.array(z.number()),
  y: z.array(z.number()),
  example: z.array(z.int()).describe('Index in the split.'),
  label: z.array(z.int()).nullable(),
  split: z.enum(['test', 'train']),
  image: z
    .strictObject({ width: z.int(), height: z.int(), channels: z.int() })
    .nullable()
    .describe('Null when examples are no pictures.'),
});
export type LatentPlane = z.infer<typeof latentPlaneSchema>;

/** Full: everything. Read: nothing that changes the cluster. */
export const accessSchema = z.enum(['full', 'read']);
export type Access = z.infer<typeof accessSchema>;

/** Every answer that is an error. */
export const problemSchema = z.strictObject({ code: z.string(), message: z.string() });
export type Problem = z.infer<typeof problemSchema>;
