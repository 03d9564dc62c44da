import type { IncomingMessage, ServerResponse } from 'node:http';
import { problemSchema } from '@elbo/protocol/cluster';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** Fastify, with zod for what comes in and goes out. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What a route answers: this, or a problem. */
export function answers<Body extends z.ZodType, Status extends number = 200>(body: Body, status?: Status) {
  return { [status ?? 200]: body, default: problemSchema } as { [status in Status]: Body } & {
    default: typeof problemSchema;
  };
}

/** Bytes of a content type. */
export function answersBytes(contentType: string, description: string) {
  const bytes = z.any().meta({ type: 'string', format: 'binary' });
  return {
    200: { description, content: { [contentType]: { schema: bytes } } },
    default: problemSchema,
  };
}
