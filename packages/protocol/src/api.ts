import { z } from 'zod';
import { accessSchema, artefactSchema, runSummarySchema, workerReportSchema } from './cluster.js';
import { runIdSchema, sha256Schema, splitNameSchema } from './messages.js';

/** Parameters, queries and bodies of the HTTP API that are not themselves what a cluster tells of itself. */

export const healthSchema = z.strictObject({ status: z.literal('ok') });

export const loginSchema = z.strictObject({ token: z.string().min(1).max(512) });

export const sessionSchema = z.strictObject({
  access: accessSchema,
  /** Of Elbo: a page or a command line of another one may not understand it. */
  version: z.string(),
  cluster: z.boolean().describe('False for `elbo dashboard`, which has folders of runs, no workers and no queues.'),
});
export type Session = z.infer<typeof sessionSchema>;

export const runsSchema = z.strictObject({ runs: z.array(runSummarySchema).max(1000) });
export const workersSchema = z.strictObject({ workers: z.array(workerReportSchema) });
export const artefactsSchema = z.strictObject({ artefacts: z.array(artefactSchema) });
/** The epochs that there are both pictures of, in order. */
export const pictureEpochsSchema = z.strictObject({ epochs: z.array(z.int()) });

export const datasetSummarySchema = z.strictObject({
  name: z.string(),
  builtIn: z.boolean(),
  trainExamples: z.int(),
  testExamples: z.int(),
  exampleShape: z.array(z.int()),
  elementType: z.string(),
  labelled: z.boolean(),
  /** Null for a synthetic set, which is known when it is drawn. */
  hash: sha256Schema.nullable(),
  /** Packed; null before its first use. */
  bytes: z.number().nullable(),
});
export type DatasetSummary = z.infer<typeof datasetSummarySchema>;
export const datasetsSchema = z.strictObject({
  datasets: z.array(datasetSummarySchema),
  /** Imported, and missing or damaged now. */
  broken: z.array(z.strictObject({ name: z.string(), code: z.string(), message: z.string() })),
});

export const runParamsSchema = z.strictObject({ runId: runIdSchema });
export const actionParamsSchema = z.strictObject({ runId: runIdSchema, action: z.enum(['pause', 'resume', 'cancel']) });

const fileNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'not the name of a file of a run');
export const artefactParamsSchema = z.strictObject({ runId: runIdSchema, name: fileNameSchema });
export const nestedArtefactParamsSchema = z.strictObject({
  runId: runIdSchema,
  folder: fileNameSchema,
  name: fileNameSchema,
});

/** A number of an address, in decimal: an empty one is a variable that was not set, and no zero. */
const written = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text),
    schema,
  );

export const pictureKindSchema = z.enum(['samples', 'reconstructions']);
export const pictureParamsSchema = z.strictObject({
  runId: runIdSchema,
  epoch: written(z.int().min(1).max(9_999_999)),
  kind: pictureKindSchema,
});

export const metricsQuerySchema = z.strictObject({ points: written(z.int().min(2).max(2000).default(1000)) });
export const latentQuerySchema = z.strictObject({ limit: written(z.int().min(1).max(5000).default(1000)) });

const coordinateSchema = written(z.number().min(-1e6).max(1e6));
export const pointQuerySchema = z.strictObject({ x: coordinateSchema, y: coordinateSchema });

export const exampleParamsSchema = z.strictObject({
  runId: runIdSchema,
  index: written(z.int().min(0).max(1e9)),
});
export const exampleQuerySchema = z.strictObject({ split: splitNameSchema.default('test') });

/** The place of an event, as the stream gave it. */
export const eventPlaceSchema = z.string().regex(/^[0-9A-Za-z._-]{1,64}$/, 'not the id of an event');
export const runStreamQuerySchema = z.strictObject({
  /** As Last-Event-ID, which comes first. */
  after: eventPlaceSchema.optional(),
  from: z.literal('start').optional(),
});
