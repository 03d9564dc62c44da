import { z } from 'zod';
import { elboTermsSchema } from './events.js';
import { sha256Schema, splitNameSchema } from './messages.js';
import { engineNameSchema } from './run-spec.js';

/** What the commands that use a trained model (`elbo sample`, `elbo score`, ...) print with `--json`: one object. */

const modelSchema = z.strictObject({
  /** Of model.safetensors. */
  path: z.string(),
  /** Null for a file outside a run folder. */
  runId: z.string().nullable(),
  step: z.int(),
  parametersSha256: sha256Schema,
});

const examplesSchema = z.strictObject({
  /** The data set's name, or the path of the file given as input. */
  source: z.string(),
  /** Null for an input file. */
  split: splitNameSchema.nullable(),
  count: z.int(),
});

export const resultFileSchema = z.strictObject({
  path: z.string(),
  format: z.enum(['png', 'npy', 'csv', 'onnx', 'safetensors', 'tfjs']),
  /** `samples`, `posteriorMean`, `encoder`, ... */
  content: z.string(),
});
export type ResultFile = z.infer<typeof resultFileSchema>;

const base = {
  model: modelSchema,
  files: z.array(resultFileSchema),
  /** What the user should know before relying on it. */
  warnings: z.array(z.string()),
};
const computed = { ...base, engine: engineNameSchema };

export const samplesResultSchema = z.strictObject({
  result: z.literal('samples'),
  ...computed,
  count: z.int(),
  seed: z.int(),
  /** Means of the likelihood at z ~ p(z), or draws from it. */
  values: z.enum(['mean', 'draw']),
});

export const reconstructionsResultSchema = z.strictObject({
  result: z.literal('reconstructions'),
  ...computed,
  examples: examplesSchema,
  indices: z.array(z.int()),
});

export const interpolationResultSchema = z.strictObject({
  result: z.literal('interpolation'),
  ...computed,
  examples: examplesSchema,
  anchors: z.array(z.int()),
  steps: z.int(),
  way: z.enum(['spherical', 'linear']),
});

export const encodingResultSchema = z.strictObject({
  result: z.literal('encoding'),
  ...computed,
  examples: examplesSchema,
  latentDim: z.int(),
});

export const scoresResultSchema = z.strictObject({
  result: z.literal('scores'),
  ...computed,
  examples: examplesSchema,
  monteCarloSamples: z.int(),
  mean: elboTermsSchema,
  /** The examples that the model finds least likely, the least first. */
  lowest: z.array(z.strictObject({ example: z.int(), elbo: z.number(), label: z.int().nullable() })),
});

export const evaluationResultSchema = z.strictObject({
  result: z.literal('evaluation'),
  ...computed,
  examples: examplesSchema,
  monteCarloSamples: z.int(),
  ...elboTermsSchema.shape,
  /** Mean KL of each latent dimension, nats. */
  klPerDimension: z.array(z.number()),
  /** Dimensions whose mean KL is over 0.01 nats. */
  activeUnits: z.int(),
  /** The mean of the bound of Burda et al. 2016 with K samples, nats; null when it was not asked for. */
  importanceWeighted: z.strictObject({ samples: z.int(), bound: z.number() }).nullable(),
});

export const exportResultSchema = z.strictObject({
  result: z.literal('export'),
  ...base,
  format: z.enum(['onnx', 'safetensors', 'tfjs']),
});

export const modelResultSchema = z.discriminatedUnion('result', [
  samplesResultSchema,
  reconstructionsResultSchema,
  interpolationResultSchema,
  encodingResultSchema,
  scoresResultSchema,
  evaluationResultSchema,
  exportResultSchema,
]);
export type ModelResult = z.infer<typeof modelResultSchema>;
export type SamplesResult = z.infer<typeof samplesResultSchema>;
export type ReconstructionsResult = z.infer<typeof reconstructionsResultSchema>;
export type InterpolationResult = z.infer<typeof interpolationResultSchema>;
export type EncodingResult = z.infer<typeof encodingResultSchema>;
export type ScoresResult = z.infer<typeof scoresResultSchema>;
export type EvaluationResult = z.infer<typeof evaluationResultSchema>;
export type ExportResult = z.infer<typeof exportResultSchema>;
