import { contributionReplySchema, memberHelloSchema, resolvedRunSchema, shardJobSchema } from '@elbo/protocol/messages';
import { z } from 'zod';
import { FrameError } from '../errors.js';

/** Where a process's shared-memory file is found by another process of the same host. */
export const memoryAddressSchema = z.strictObject({
  pid: z.int().min(1),
  fd: z.int().min(0),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});
export type MemoryAddress = z.infer<typeof memoryAddressSchema>;

/**
 * Member to conductor. `proof`: that it has the token, for this connection. `memory`: where its gradients can be read
 * from, when the conductor can reach it.
 */
export const helloHeaderSchema = z.strictObject({
  proof: z.string().length(64),
  member: memberHelloSchema,
  memory: memoryAddressSchema.nullable(),
});
/** `parametersInMemory`: the member can read the conductor's memory and wants no parameters over the socket. */
export const readyHeaderSchema = z.strictObject({ parametersInMemory: z.boolean() });
export const takenHeaderSchema = z.strictObject({ job: shardJobSchema });
/** Conductor to member: compute this too. */
export const assignHeaderSchema = z.strictObject({ job: shardJobSchema });
export const failedHeaderSchema = z.strictObject({
  job: shardJobSchema,
  message: z.string().max(4096),
  willRetry: z.boolean(),
});
/** The contribution header itself is read apart, so that a bad one is answered. */
export const contributionEnvelopeSchema = z.strictObject({
  id: z.int().min(0),
  header: z.unknown(),
  /** Which slot of the member's memory holds the gradient; null: it is the payload, or there is none. */
  memorySlot: z.int().min(0).max(1023).nullable(),
});

/** Conductor to member. `memory`: where parameters can be read; `gradientsInMemory`: it reaches the member's memory. */
export const welcomeHeaderSchema = z.strictObject({
  run: resolvedRunSchema,
  memory: memoryAddressSchema.nullable(),
  gradientsInMemory: z.boolean(),
});
/** A part of a version. A part at offset 0 starts the version anew and ends whatever was on its way. */
export const parametersHeaderSchema = z.strictObject({
  version: z.int().min(0),
  /** float32 elements. */
  parameterCount: z
    .int()
    .min(1)
    .max(2 ** 28),
  byteOffset: z.int().min(0),
});
export const parametersInMemoryHeaderSchema = z.strictObject({
  version: z.int().min(0),
  parameterCount: z
    .int()
    .min(1)
    .max(2 ** 28),
});
export const replyHeaderSchema = z.strictObject({ id: z.int().min(0), reply: contributionReplySchema });
/** `refused`: instead of a welcome, the member is not wanted in this run. */
export const goodbyeHeaderSchema = z.strictObject({ reason: z.string().max(2048), refused: z.boolean().optional() });

/** @throws FrameError naming the first thing that is wrong. */
export function readHeader<T>(schema: z.ZodType<T>, header: unknown, what: string): T {
  const parsed = schema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new FrameError(`a ${what} frame has a malformed header: ${firstIssue(parsed.error)}`);
}

export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'unknown' : `${issue.path.join('.') || 'value'}: ${issue.message}`;
}
