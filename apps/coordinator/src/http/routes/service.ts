import { healthSchema, workersSchema } from '@elbo/protocol/api';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { z } from 'zod';
import type { CoordinatorMetrics } from '../../metrics/coordinator-metrics.js';
import { type Api, answers, answersBytes } from '../api.js';
import { Refusal } from '../problem.js';

const tags = ['service'];
const anyJson = z.record(z.string(), z.unknown());

/** What is not of a run: health, workers, metrics, and the API's own description. */
export function serviceRoutes(
  api: Api,
  directory: RunDirectory,
  metrics: Pick<CoordinatorMetrics, 'contentType' | 'text'> | null,
): void {
  api.get(
    '/healthz',
    {
      config: { access: 'none', anyHost: true },
      schema: { tags, summary: 'Whether the server answers; needs no token', response: answers(healthSchema) },
    },
    async () => ({ status: 'ok' as const }),
  );

  api.get(
    '/api/v1/workers',
    { schema: { tags, summary: 'The workers that are there', response: answers(workersSchema) } },
    async () => ({ workers: await directory.workers() }),
  );

  api.get(
    '/metrics',
    { schema: { tags, summary: 'Metrics for Prometheus', response: answersBytes('text/plain', 'Prometheus text') } },
    async (_request, reply) => {
      if (!metrics) throw new Refusal(404, 'no-metrics', 'this server has no metrics: it trains nothing');
      return reply.type(metrics.contentType).send(await metrics.text());
    },
  );

  const specSchema = z.toJSONSchema(runSpecSchema, { io: 'input' }) as Record<string, unknown>;
  api.get(
    '/api/v1/spec-schema',
    { schema: { tags, summary: 'JSON Schema of the run spec', response: answers(anyJson) } },
    async () => specSchema,
  );

  api.get(
    '/openapi.json',
    { schema: { tags, summary: 'This document', response: answers(anyJson) } },
    async () => api.swagger() as unknown as Record<string, unknown>,
  );
}
