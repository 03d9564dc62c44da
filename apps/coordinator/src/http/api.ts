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

const problem = {
  description: 'Refused, or a fault: `code` is for programs, `message` says why and what to do',
  content: { 'application/json': { schema: problemSchema } },
};

/** What a route answers: this, or a problem. */
export function answers<Body extends z.ZodType, Status extends number = 200>(body: Body, status?: Status) {
  const description = status === 201 ? 'It is made' : status === 204 ? 'It is done' : 'As asked for';
  const answer =
    body instanceof z.ZodUndefined ? body : { description, content: { 'application/json': { schema: body } } };
  return { [status ?? 200]: answer, default: problem } as unknown as { [status in Status]: Body } & {
    default: typeof problemSchema;
  };
}

/** Bytes of a content type. */
export function answersBytes(contentType: string, description: string) {
  const bytes = z.any().meta({ type: 'string', format: 'binary' });
  return { 200: { description, content: { [contentType]: { schema: bytes } } }, default: problem };
}
