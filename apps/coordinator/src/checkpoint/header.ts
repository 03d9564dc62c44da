import { runIdSchema, sha256Schema, termSumsSchema } from '@elbo/protocol/messages';
import { z } from 'zod';
import { CheckpointError } from '../errors.js';

export const checkpointVersion = 1;
/** A header is a few hundred bytes; a longer one is none of ours. */
export const maxHeaderBytes = 1024 * 1024;

/** What an epoch has come to at a step in its middle; nothing at its end. */
const epochProgressSchema = z.strictObject({
  /** Sums over the examples of the epoch so far (float64); null when it has not begun. */
  terms: termSumsSchema.nullable(),
  /** Time of its steps so far, milliseconds: for people. */
  trainingMs: z.number().min(0),
});
export type EpochProgress = z.infer<typeof epochProgressSchema>;

/** By what the parameters were computed, as far as it decides their bits. */
const buildSchema = z.strictObject({
  /** Of Elbo. */
  version: z.string().max(64),
  /** Its library and version. */
  engine: z.string().max(256),
  cpu: z.string().max(1024),
});
export type Build = z.infer<typeof buildSchema>;

const tensorSchema = z.strictObject({
  name: z.string().min(1).max(128),
  dtype: z.literal('F32'),
  shape: z.array(z.int().min(0)).max(8),
  /** Bytes [begin, end) of the tensors' part. */
  offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/**
 * All of a checkpoint but its tensors: which run, after how many updates, and what is needed beside tensors to go on.
 * Random streams need no state, and the step says where metrics.ndjson goes on.
 */
const headerSchema = z.strictObject({
  format: z.literal('elbo-checkpoint'),
  version: z.literal(checkpointVersion),
  runId: runIdSchema,
  /** Updates done. */
  step: z.int().min(0),
  specSha256: sha256Schema,
  datasetSha256: sha256Schema,
  epoch: epochProgressSchema,
  /** None before a worker has joined, and in checkpoints of earlier times. */
  build: buildSchema.optional(),
  tensors: z.array(tensorSchema).max(64),
  /** Of all tensor bytes together. */
  tensorsSha256: sha256Schema,
});
export type CheckpointHeader = z.infer<typeof headerSchema>;

const anyVersionSchema = z.looseObject({ format: z.literal('elbo-checkpoint'), version: z.int() });

/**
 * Reads a header and checks that its tensors lie one behind the other without a gap, each as long as its shape says.
 * @param where Names the checkpoint in messages.
 * @throws CheckpointError
 */
export function readHeader(json: string, where: string): CheckpointHeader {
  const bad = (why: string) => new CheckpointError(where, 'damaged', why);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw bad(`its header is not JSON (${(error as Error).message})`);
  }
  const { success, data } = anyVersionSchema.safeParse(value);
  if (!success) throw bad('its header is none of an Elbo checkpoint');
  if (data.version !== checkpointVersion) {
    const age = data.version < checkpointVersion ? 'an older' : 'a newer';
    throw new CheckpointError(
      where,
      'version',
      `it is of format version ${data.version}, written by ${age} Elbo; this one reads version ${checkpointVersion}`,
    );
  }
  const parsed = headerSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bad(`its header does not hold: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  checkPlaces(parsed.data, bad);
  return parsed.data;
}

/** Bytes of all tensors together. */
export function tensorBytes({ tensors }: CheckpointHeader): number {
  return tensors.at(-1)?.offsets[1] ?? 0;
}

function checkPlaces({ tensors }: CheckpointHeader, bad: (why: string) => CheckpointError): void {
  const names = new Set<string>();
  let end = 0;
  for (const { name, shape, offsets } of tensors) {
    if (names.has(name)) throw bad(`two of its tensors are named ${name}`);
    names.add(name);
    if (offsets[0] !== end) throw bad(`its tensor ${name} begins at byte ${offsets[0]}, not ${end}`);
    const bytes = shape.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT);
    if (!Number.isSafeInteger(bytes)) throw bad(`its tensor ${name} of shape [${shape}] cannot be`);
    if (offsets[1] - offsets[0] !== bytes) {
      throw bad(`its tensor ${name} has ${offsets[1] - offsets[0]} bytes, not the ${bytes} of shape [${shape}]`);
    }
    end = offsets[1];
  }
}
