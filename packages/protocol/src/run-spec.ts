import { z } from 'zod';

/**
 * The run spec: all that decides the result of a run, and nothing that does not. Worker counts, thread counts,
 * transports and addresses are launch options, not fields of the spec: the same spec gives the same bits.
 */

export const engineNames = ['compiled', 'tfjs-node', 'wasm', 'cpu'] as const;
export const engineNameSchema = z.enum(engineNames);
export type EngineName = z.infer<typeof engineNameSchema>;

export const activationSchema = z.enum(['relu', 'tanh', 'sigmoid', 'elu', 'softplus', 'linear']);
export type Activation = z.infer<typeof activationSchema>;

/** Initialisers of weight matrices; biases start at zero except under `uniformFanIn`, which draws them too. */
export const initializerSchema = z.enum(['uniformFanIn', 'glorotUniform', 'glorotNormal', 'heUniform', 'heNormal']);
export type Initializer = z.infer<typeof initializerSchema>;

const hiddenLayersSchema = z.strictObject({
  hidden: z.array(z.int().min(1).max(65_536)).max(32).default([400]),
  activation: activationSchema.default('relu'),
});

export const likelihoodSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bernoulli') }),
  z.strictObject({
    kind: z.literal('gaussian'),
    /** A fixed variance, or `learned`: one variance for each dimension of x, a parameter of the decoder. */
    variance: z.union([z.number().positive().max(1e6), z.literal('learned')]).default(1),
  }),
]);
export type LikelihoodSpec = z.infer<typeof likelihoodSchema>;

export const modelSpecSchema = z.strictObject({
  latentDim: z.int().min(1).max(4096).default(20),
  encoder: hiddenLayersSchema.prefault({}),
  decoder: hiddenLayersSchema.prefault({}),
  likelihood: likelihoodSchema.default({ kind: 'bernoulli' }),
  initializer: initializerSchema.default('uniformFanIn'),
});
/** The model without its data dimension, which the data set decides. */
export type ModelSpec = z.infer<typeof modelSpecSchema>;

export const objectiveSpecSchema = z.strictObject({
  /** M: noise samples for each observation. */
  monteCarloSamples: z.int().min(1).max(1024).default(1),
  /** The weight of the KL term (lambda in (13.27)). */
  beta: z.number().min(0).max(1e6).default(1),
  /** Steps over which beta rises linearly from 0; 0 for none. */
  betaWarmupSteps: z.int().min(0).max(1e9).default(0),
});
export type ObjectiveSpec = z.infer<typeof objectiveSpecSchema>;

const unitInterval = z.number().min(0).lt(1);
const adamFields = {
  beta1: unitInterval.default(0.9),
  beta2: unitInterval.default(0.999),
  epsilon: z.number().positive().max(1).default(1e-8),
};
export const optimizerSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sgd') }),
  z.strictObject({
    kind: z.literal('momentum'),
    momentum: unitInterval.default(0.9),
    nesterov: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('adam'), ...adamFields }),
  z.strictObject({ kind: z.literal('adamw'), ...adamFields, weightDecay: z.number().min(0).max(1).default(0.01) }),
]);
export type OptimizerSpec = z.infer<typeof optimizerSpecSchema>;

/** The learning rate at a step is `learningRate` times the schedule's factor times the warm-up's factor. */
export const scheduleSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({
    kind: z.literal('steps'),
    everySteps: z.int().min(1).max(1e9),
    factor: z.number().positive().max(1).default(0.1),
  }),
  z.strictObject({
    kind: z.literal('cosine'),
    /** Steps to the end of the half cosine; the whole run when left out. */
    decaySteps: z.int().min(1).max(1e9).optional(),
    finalFactor: z.number().min(0).max(1).default(0),
  }),
]);
export type ScheduleSpec = z.infer<typeof scheduleSpecSchema>;

export const pixelTreatmentSchema = z.enum(['raw', 'threshold', 'static', 'dynamic']);
/** raw: values as they are; threshold: x > 1/2; static: one Bernoulli draw for the run; dynamic: one each epoch. */
export type PixelTreatment = z.infer<typeof pixelTreatmentSchema>;

export const datasetSpecSchema = z.strictObject({
  /** A built-in or imported data set's name; `elbo datasets` lists them. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a data set name is lower-case letters, digits and dashes'),
  pixels: pixelTreatmentSchema.default('raw'),
  /** Examples taken from the end of the training split for validation. */
  validation: z.int().min(0).max(1e9).default(0),
  /** Train on the first so many examples only. */
  limit: z.int().min(1).max(1e9).optional(),
});
export type DatasetSpec = z.infer<typeof datasetSpecSchema>;

export const trainingSpecSchema = z.strictObject({
  epochs: z.int().min(1).max(1_000_000).default(10),
  globalBatchSize: z.int().min(1).max(1_048_576).default(128),
  learningRate: z.number().positive().max(100).default(1e-3),
  warmupSteps: z.int().min(0).max(1e9).default(0),
  schedule: scheduleSpecSchema.default({ kind: 'constant' }),
  optimizer: optimizerSpecSchema.prefault({ kind: 'adam' }),
  /** Largest global norm of the averaged gradient; null for no clipping. */
  clipGlobalNorm: z.number().positive().nullable().default(null),
  /**
   * When a gradient or a term of the objective is NaN or infinite: `stop` fails the run with the state before that step
   * saved, `skip` leaves that step's update out and goes on.
   */
  onNonFinite: z.enum(['stop', 'skip']).default('stop'),
  /** Queue jobs a step is cut into; chosen from the batch size when left out. */
  shardsPerStep: z.int().min(1).max(1024).optional(),
  /** Examples a thread takes at a time; chosen from the shard size when left out. */
  microbatchSize: z.int().min(1).max(65_536).optional(),
});
export type TrainingSpec = z.infer<typeof trainingSpecSchema>;

export const runSpecSchema = z.strictObject({
  version: z.literal(1).default(1),
  /** Refuse workers whose version, engine library or CPU type could change the bits of the result. */
  exact: z.boolean().default(true),
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, 'a run name is letters, digits, dots, dashes and underscores')
    .default('vae'),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
  engine: engineNameSchema.default('compiled'),
  dataset: datasetSpecSchema,
  model: modelSpecSchema.prefault({}),
  objective: objectiveSpecSchema.prefault({}),
  training: trainingSpecSchema.prefault({}),
});
export type RunSpec = z.infer<typeof runSpecSchema>;
/** What a person may write: every field with a default may be left out. */
export type RunSpecInput = z.input<typeof runSpecSchema>;
