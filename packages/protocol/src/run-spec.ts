import { z } from 'zod';

/**
 * The run spec: all that decides the result of a run, and nothing that does not. Worker counts, thread counts,
 * transports and addresses are launch options, not fields of the spec: the same spec gives the same bits.
 * The descriptions are in the published JSON Schema and in docs/reference/spec.md.
 */

export const engineNames = ['compiled', 'tfjs-node', 'wasm', 'cpu'] as const;
export const engineNameSchema = z.enum(engineNames);
export type EngineName = z.infer<typeof engineNameSchema>;

export const activationSchema = z.enum(['relu', 'tanh', 'sigmoid', 'elu', 'softplus', 'linear']);
export type Activation = z.infer<typeof activationSchema>;

export const initializerSchema = z.enum(['uniformFanIn', 'glorotUniform', 'glorotNormal', 'heUniform', 'heNormal']);
export type Initializer = z.infer<typeof initializerSchema>;

const hiddenLayersSchema = z.strictObject({
  hidden: z
    .array(z.int().min(1).max(65_536))
    .max(32)
    .default([400])
    .describe('Units of each hidden layer, from the input on; an empty list for a linear map.'),
  activation: activationSchema.default('relu').describe('After each hidden layer.'),
});

export const likelihoodSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bernoulli') }),
  z.strictObject({
    kind: z.literal('gaussian'),
    variance: z
      .union([z.number().positive().max(1e6), z.literal('learned')])
      .default(1)
      .describe('A fixed variance, or `learned`: one for each dimension of x, a parameter of the decoder.'),
  }),
]);
export type LikelihoodSpec = z.infer<typeof likelihoodSchema>;

export const modelSpecSchema = z.strictObject({
  latentDim: z.int().min(1).max(4096).default(20).describe('d: dimensions of the latent variable z.'),
  encoder: hiddenLayersSchema.prefault({}).describe('The inference network q(z|x).'),
  decoder: hiddenLayersSchema.prefault({}).describe('The generative network p(x|z).'),
  likelihood: likelihoodSchema
    .default({ kind: 'bernoulli' })
    .describe('p(x|z): bernoulli for values in [0, 1], gaussian for real numbers.'),
  initializer: initializerSchema
    .default('uniformFanIn')
    .describe('Of weight matrices. Biases start at zero, except under uniformFanIn, which draws them too.'),
});
/** The model without its data dimension, which the data set decides. */
export type ModelSpec = z.infer<typeof modelSpecSchema>;

export const objectiveSpecSchema = z.strictObject({
  monteCarloSamples: z.int().min(1).max(1024).default(1).describe('M: noise samples for each observation.'),
  beta: z.number().min(0).max(1e6).default(1).describe('The weight of the KL term: lambda in (13.27).'),
  betaWarmupSteps: z
    .int()
    .min(0)
    .max(1e9)
    .default(0)
    .describe('Steps over which beta rises linearly from 0; 0 for none.'),
});
export type ObjectiveSpec = z.infer<typeof objectiveSpecSchema>;

const unitInterval = z.number().min(0).lt(1);
const adamFields = {
  beta1: unitInterval.default(0.9).describe('Decay of the mean gradient.'),
  beta2: unitInterval.default(0.999).describe('Decay of the mean squared gradient.'),
  epsilon: z.number().positive().max(1).default(1e-8).describe('Added to the root of the mean square.'),
};
export const optimizerSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sgd') }),
  z.strictObject({
    kind: z.literal('momentum'),
    momentum: unitInterval.default(0.9).describe('Decay of the velocity.'),
    nesterov: z.boolean().default(false).describe('Look ahead: the update is gradient + momentum x velocity.'),
  }),
  z.strictObject({ kind: z.literal('adam'), ...adamFields }),
  z.strictObject({
    kind: z.literal('adamw'),
    ...adamFields,
    weightDecay: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe('Decoupled from the gradient, times the learning rate.'),
  }),
]);
export type OptimizerSpec = z.infer<typeof optimizerSpecSchema>;

/** The learning rate at a step is `learningRate` times the schedule's factor times the warm-up's factor. */
export const scheduleSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({
    kind: z.literal('steps'),
    everySteps: z.int().min(1).max(1e9).describe('Steps between two falls of the rate.'),
    factor: z.number().positive().max(1).default(0.1).describe('By which the rate falls.'),
  }),
  z.strictObject({
    kind: z.literal('cosine'),
    decaySteps: z
      .int()
      .min(1)
      .max(1e9)
      .optional()
      .describe('Steps to the end of the half cosine; the whole run when left out.'),
    finalFactor: z.number().min(0).max(1).default(0).describe('What is left of the rate at its end.'),
  }),
]);
export type ScheduleSpec = z.infer<typeof scheduleSpecSchema>;

export const pixelTreatmentSchema = z.enum(['raw', 'threshold', 'static', 'dynamic']);
export type PixelTreatment = z.infer<typeof pixelTreatmentSchema>;

export const datasetSpecSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a data set name is lower-case letters, digits and dashes')
    .describe("A built-in or imported data set's name; `elbo datasets` lists them."),
  pixels: pixelTreatmentSchema
    .default('raw')
    .describe(
      'raw: values as they are; threshold: x > 1/2; static: one Bernoulli draw for the run; dynamic: one each epoch.',
    ),
  validation: z
    .int()
    .min(0)
    .max(1e9)
    .default(0)
    .describe('Examples taken from the end of the training split for validation.'),
  limit: z.int().min(1).max(1e9).optional().describe('Train on the first so many examples only.'),
});
export type DatasetSpec = z.infer<typeof datasetSpecSchema>;

export const trainingSpecSchema = z.strictObject({
  epochs: z.int().min(1).max(1_000_000).default(10).describe('Passes over the training split.'),
  globalBatchSize: z.int().min(1).max(1_048_576).default(128).describe('Examples of a step, over all workers.'),
  learningRate: z.number().positive().max(100).default(1e-3).describe('Before schedule and warm-up.'),
  warmupSteps: z
    .int()
    .min(0)
    .max(1e9)
    .default(0)
    .describe('Steps over which the learning rate rises linearly from 0; 0 for none.'),
  schedule: scheduleSpecSchema.default({ kind: 'constant' }).describe('How the learning rate falls.'),
  optimizer: optimizerSpecSchema.prefault({ kind: 'adam' }).describe('How a gradient becomes an update.'),
  clipGlobalNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Largest global norm of the averaged gradient; null for no clipping.'),
  onNonFinite: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'When a gradient or a term of the objective is NaN or infinite: `stop` fails the run with the state before that ' +
        "step saved, `skip` leaves that step's update out and goes on.",
    ),
  shardsPerStep: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Queue jobs a step is cut into; chosen from the batch size when left out.'),
  microbatchSize: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe('Examples a thread takes at a time; chosen from the shard size when left out.'),
});
export type TrainingSpec = z.infer<typeof trainingSpecSchema>;

export const runSpecSchema = z.strictObject({
  version: z.literal(1).default(1).describe('Of this format.'),
  exact: z
    .boolean()
    .default(true)
    .describe('Refuse workers whose version, engine library or CPU type could change the bits of the result.'),
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
      'a run name is letters, digits, dots, dashes and underscores: 63 at most, a letter or digit first',
    )
    .default('vae')
    .describe(
      "What its id and its folder begin with; with `elbo train` and `submit` the data set's name when left out.",
    ),
  seed: z.int().min(0).max(0xffff_ffff).default(1).describe('Decides everything that is random.'),
  engine: engineNameSchema.default('compiled').describe('What computes values and gradients.'),
  dataset: datasetSpecSchema.describe('What it is trained on.'),
  model: modelSpecSchema.prefault({}).describe('The two networks and what lies between.'),
  objective: objectiveSpecSchema.prefault({}).describe('The ELBO, and how it is estimated.'),
  training: trainingSpecSchema.prefault({}).describe('Steps, and how each is taken and cut.'),
});
export type RunSpec = z.infer<typeof runSpecSchema>;
/** What a person may write: every field with a default may be left out. */
export type RunSpecInput = z.input<typeof runSpecSchema>;
