import { z } from 'zod';
import { engineNameSchema } from './run-spec.js';

/** Events of a run: what `--json` prints one a line, what metrics.ndjson keeps, what a watcher receives. */

/** Means over examples, in nats for each example, with their sign as log-likelihoods: higher is better. */
export const elboTermsSchema = z.strictObject({
  elbo: z.number(),
  reconstructionLogProb: z.number(),
  klDivergence: z.number(),
});
export type ElboTerms = z.infer<typeof elboTermsSchema>;

const base = { runId: z.string(), time: z.number().describe('Milliseconds since the Unix epoch.') };

export const runStartedSchema = z.strictObject({
  event: z.literal('run-started'),
  ...base,
  name: z.string(),
  transport: z.enum(['embedded', 'redis']),
  engine: engineNameSchema,
  workers: z.int().describe('Worker processes; 0 when embedded.'),
  threads: z.int().describe('Threads of each worker process.'),
  seed: z.int(),
  parameterCount: z.int(),
  trainExamples: z.int(),
  testExamples: z.int(),
  exampleShape: z.array(z.int()).optional().describe('Of one example; images have two or three dimensions.'),
  stepsPerEpoch: z.int(),
  epochs: z.int(),
  runFolder: z.string(),
});

export const stepEventSchema = z.strictObject({
  event: z.literal('step'),
  ...base,
  epoch: z.int(),
  step: z.int().describe('Steps done since the start of the run, this one counted.'),
  ...elboTermsSchema.shape,
  beta: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number().optional(),
  examples: z.int(),
  imagesPerSecond: z.number(),
  phases: z
    .strictObject({ computeMs: z.number(), transportMs: z.number(), reduceMs: z.number(), waitMs: z.number() })
    .optional()
    .describe(
      "Where its time went, milliseconds: the slowest shard's threads, its way, the coordinator, nothing to do.",
    ),
});

export const epochEventSchema = z.strictObject({
  event: z.literal('epoch'),
  ...base,
  epoch: z.int(),
  step: z.int(),
  train: elboTermsSchema,
  test: elboTermsSchema.nullable().describe('Null when the data set has no test split.'),
  validation: elboTermsSchema.nullable(),
  klPerDimension: z
    .array(z.number())
    .describe('Mean KL of each latent dimension on the test split (the train split without one), nats.'),
  imagesPerSecond: z.number(),
  seconds: z.number(),
});

export const checkpointEventSchema = z.strictObject({
  event: z.literal('checkpoint'),
  ...base,
  step: z.int(),
  path: z.string(),
});

export const noticeEventSchema = z.strictObject({
  event: z.literal('notice'),
  ...base,
  level: z.enum(['info', 'warning']),
  code: z.string(),
  message: z.string(),
});

export const runFinishedSchema = z.strictObject({
  event: z.literal('run-finished'),
  ...base,
  outcome: z.enum(['completed', 'interrupted']),
  step: z.int(),
  parametersSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of the flat little-endian float32 parameters, hexadecimal.'),
  runFolder: z.string(),
  imagesPerSecond: z.number(),
  seconds: z.number(),
});

export const runFailedSchema = z.strictObject({
  event: z.literal('run-failed'),
  ...base,
  code: z.string(),
  message: z.string(),
});

export const runEventSchema = z.discriminatedUnion('event', [
  runStartedSchema,
  stepEventSchema,
  epochEventSchema,
  checkpointEventSchema,
  noticeEventSchema,
  runFinishedSchema,
  runFailedSchema,
]);
export type RunEvent = z.infer<typeof runEventSchema>;
export type RunStartedEvent = z.infer<typeof runStartedSchema>;
export type StepEvent = z.infer<typeof stepEventSchema>;
export type EpochEvent = z.infer<typeof epochEventSchema>;
export type RunFinishedEvent = z.infer<typeof runFinishedSchema>;
