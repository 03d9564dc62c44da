import type { Problem } from '@elbo/protocol/cluster';
import {
  DirectoryFullError,
  RedisFullError,
  RunExistsError,
  RunOverError,
  UnknownRunError,
} from '@elbo/transport/errors';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ModelViewError, type ModelViewFault } from './model-views.js';

/** Of the body of a request. */
export const largestBodyBytes = 256 * 1024;

/** A request that is refused: what its answer says. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }
}

export function unknownRun(runId: string): Refusal {
  return new Refusal(404, 'unknown-run', `there is no run ${runId} here`);
}

const viewStatus: Readonly<Record<ModelViewFault, number>> = {
  'no-model': 404,
  'no-picture': 404,
  'no-example': 404,
  'no-point': 400,
  busy: 503,
};
const frameworkCodes: Readonly<Record<number, string>> = {
  404: 'not-found',
  413: 'too-large',
  414: 'too-large',
  415: 'unsupported-media-type',
};
/** What the framework calls by its name alone, with the way out. */
const frameworkMessages: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'a body is JSON here, and says so: Content-Type: application/json',
  FST_ERR_CTP_BODY_TOO_LARGE: `a body may have ${largestBodyBytes / 1024} KiB here`,
};
const mostIssues = 5;
const longestMessage = 2000;

/** Answers with a problem: what was refused says why; what broke says so, and the log says what. */
export function answerProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error);
  if (!refusal) {
    request.log.error({ err: error, method: request.method, path: request.routeOptions.url }, 'a request failed');
    return sendProblem(reply, 500, 'internal', `this is a fault of the coordinator; its log has it as ${request.id}`);
  }
  if (refusal.retryAfterSeconds !== null) reply.header('retry-after', refusal.retryAfterSeconds);
  return sendProblem(reply, refusal.status, refusal.code, refusal.message);
}

export function sendProblem(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  const problem: Problem = { code, message: message.slice(0, longestMessage) };
  return reply.code(status).type('application/json; charset=utf-8').serializer(JSON.stringify).send(problem);
}

/** Why a request is refused; null when it is not, and something broke. */
export function refusalOf(error: FastifyError): Refusal | null {
  if (error instanceof Refusal) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map(({ instancePath, message }) =>
      [instancePath.slice(1).replaceAll('/', '.'), message].filter(Boolean).join(': '),
    );
    const more = issues.length > mostIssues ? `; and ${issues.length - mostIssues} more` : '';
    return new Refusal(
      400,
      'bad-request',
      `${error.validationContext}: ${issues.slice(0, mostIssues).join('; ')}${more}`,
    );
  }
  if (error instanceof ModelViewError) {
    return new Refusal(viewStatus[error.code], error.code, error.message, error.code === 'busy' ? 1 : null);
  }
  if (error instanceof RedisFullError) return new Refusal(503, 'redis-full', error.message, 10);
  if (error instanceof DirectoryFullError) return new Refusal(503, 'queue-full', error.message, 60);
  if (error instanceof UnknownRunError) return new Refusal(404, 'unknown-run', error.message);
  if (error instanceof RunOverError) return new Refusal(409, 'run-over', error.message);
  if (error instanceof RunExistsError) return new Refusal(409, 'run-exists', error.message);
  const { statusCode } = error;
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return null;
  return new Refusal(
    statusCode,
    frameworkCodes[statusCode] ?? 'bad-request',
    frameworkMessages[error.code] ?? error.message,
  );
}
