import { z } from 'zod';
import { engineNameSchema, runSpecSchema } from './run-spec.js';

/** Messages between coordinator and workers. None ever holds a tensor: tensors travel on the data plane. */

export const runIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{3,62}$/, 'not a run id');
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hexadecimal');

/** A spec with every choice made and every fact of the data set that the cut of a step needs. */
export const resolvedRunSchema = z.strictObject({
  runId: runIdSchema,
  spec: runSpecSchema,
  datasetHash: sha256Schema,
  dataDim: z.int().min(1),
  trainExamples: z.int().min(1),
  validationExamples: z.int().min(0),
  testExamples: z.int().min(0),
  shardsPerStep: z.int().min(1),
  microbatchSize: z.int().min(1),
});
export type ResolvedRun = z.infer<typeof resolvedRunSchema>;

export const splitNameSchema = z.enum(['train', 'validation', 'test']);
export type SplitName = z.infer<typeof splitNameSchema>;

/** Which of the waiting runs is conducted first, and whose shards workers take first. */
export const prioritySchema = z.enum(['low', 'normal', 'high']);
export type Priority = z.infer<typeof prioritySchema>;

export const launchSchema = z.strictObject({
  priority: prioritySchema.default('normal'),
  workerLimit: z
    .int()
    .min(1)
    .max(1024)
    .nullable()
    .default(null)
    .describe(
      'Shards of it that workers hold at the same time, and so workers that compute for it; null for any number.',
    ),
});
/** How a run is run, which says nothing of what comes out. */
export type Launch = z.infer<typeof launchSchema>;

/** A job of the runs queue. */
export const runJobSchema = z.strictObject({ runId: runIdSchema, spec: runSpecSchema, ...launchSchema.shape });
export type RunJob = z.infer<typeof runJobSchema>;
/** A run to be conducted; its launch may be left out. */
export type RunOrder = Pick<RunJob, 'runId' | 'spec'> & Partial<Launch>;

const shardFields = {
  runId: runIdSchema,
  /** The conductor's fencing token. */
  lease: z.int().min(1),
  /** Where the conductor's data plane listens: http://host:port. Empty when embedded. */
  conductor: z.string().max(512),
  /** The parameter version the shard is computed at: the number of updates behind it. */
  parameterVersion: z.int().min(0),
  /** Index of the shard within its step or evaluation. */
  shard: z.int().min(0),
  attempt: z.int().min(0),
};
/** A job of the shards queue: a worker recomputes from the spec which examples it means. */
export const shardJobSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('gradient'), ...shardFields, /** 0-based. */ step: z.int().min(0) }),
  z.strictObject({ kind: z.literal('evaluation'), ...shardFields, epoch: z.int().min(0), split: splitNameSchema }),
]);
export type ShardJob = z.infer<typeof shardJobSchema>;

/** Sums over the examples of a shard, in nats (float64, summed in index order). */
export const termSumsSchema = z.strictObject({
  sampleCount: z.int().min(1),
  reconstructionLogProb: z.number(),
  klPerDimension: z.array(z.number()).max(4096),
});
export type TermSums = z.infer<typeof termSumsSchema>;

/** The first example of a shard, in the order of its examples, whose terms are NaN or infinite. */
export const nonFiniteSchema = z.strictObject({
  term: z.enum(['reconstructionLogProb', 'klDivergence']),
  value: z.enum(['NaN', 'Infinity', '-Infinity']),
  /** Its index in the split. */
  example: z.int().min(0),
  /** The microbatch it is in: positions begin..end of the epoch's order (of the split, in an evaluation). */
  begin: z.int().min(0),
  end: z.int().min(1),
  /** The first parameter whose gradient over that microbatch is NaN or infinite; null when all are finite. */
  parameter: z.string().max(256).nullable(),
});
export type NonFinite = z.infer<typeof nonFiniteSchema>;

/** What a worker sends with (gradient) or instead of (evaluation) a tensor. */
export const contributionHeaderSchema = z.strictObject({
  job: shardJobSchema,
  workerId: z.string().regex(/^[a-zA-Z0-9._-]{1,128}$/),
  terms: termSumsSchema,
  /** The shard was computed, and its terms (zeros then) have no finite value. */
  nonFinite: nonFiniteSchema.optional(),
  /** Time the threads spent on it, milliseconds. */
  computeMs: z.number().min(0),
});
export type ContributionHeader = z.infer<typeof contributionHeaderSchema>;

/** Why a contribution was not counted. */
export const refusalReasons = [
  'unknown-run',
  'deposed-lease',
  'wrong-step',
  'unknown-shard',
  'duplicate',
  'no-buffer',
  'bad-checksum',
  'bad-length',
  'bad-header',
] as const;
export const contributionReplySchema = z.discriminatedUnion('accepted', [
  z.strictObject({ accepted: z.literal(true) }),
  z.strictObject({ accepted: z.literal(false), reason: z.enum(refusalReasons), message: z.string() }),
]);
export type RefusalReason = (typeof refusalReasons)[number];
export type ContributionReply = z.infer<typeof contributionReplySchema>;

/** A worker's hello when it joins a run. */
export const memberHelloSchema = z.strictObject({
  workerId: z.string().regex(/^[a-zA-Z0-9._-]{1,128}$/),
  version: z.string().max(64),
  /** The libraries that compute, by engine: `onnxruntime-node 1.30.0`. */
  engines: z.partialRecord(engineNameSchema, z.string().max(128)),
  /** Architecture, vendor and the vector instructions that engines choose their kernels by. */
  cpu: z.string().max(512),
  threads: z.int().min(1).max(1024),
  host: z.string().max(255),
  pid: z.int().min(0),
});
export type MemberHello = z.infer<typeof memberHelloSchema>;
