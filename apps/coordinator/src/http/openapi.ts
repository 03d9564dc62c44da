import * as api from '@elbo/protocol/api';
import * as cluster from '@elbo/protocol/cluster';
import { epochEventSchema, runEventSchema } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { elboVersion } from '@elbo/protocol/version';
import fastifySwagger from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api } from './api.js';

/** Schemas that the document names once and points to. */
const named: Readonly<Record<string, z.ZodType>> = {
  Artefact: cluster.artefactSchema,
  Dataset: api.datasetSummarySchema,
  EpochEvent: epochEventSchema,
  LatentPlane: cluster.latentPlaneSchema,
  Problem: cluster.problemSchema,
  Run: cluster.runDetailSchema,
  RunEvent: runEventSchema,
  RunMetrics: cluster.runMetricsSchema,
  RunSpec: runSpecSchema,
  RunSummary: cluster.runSummarySchema,
  Session: api.sessionSchema,
  Submission: cluster.submissionSchema,
  Worker: cluster.workerReportSchema,
};

/** The names are the document's alone; what is said of a schema is said where it is written. */
class DescribedElsewhere<Meta extends object> extends WeakMap<z.core.$ZodType, Meta> {
  override get(schema: z.core.$ZodType): Meta | undefined {
    return super.get(schema) ?? (z.globalRegistry._map.get(schema) as Meta | undefined);
  }
  override has(schema: z.core.$ZodType): boolean {
    return super.has(schema) || z.globalRegistry._map.has(schema);
  }
}

function schemaRegistry() {
  const registry = z.registry<{ id?: string; description?: string }>();
  registry._map = new DescribedElsewhere();
  for (const [id, schema] of Object.entries(named)) {
    registry.add(schema, { ...(z.globalRegistry.get(schema) as object | undefined), id });
  }
  return registry;
}

/** Describes the routes that are added after it as OpenAPI 3.1. */
export async function describeApi(app: Api): Promise<void> {
  const registry = { schemaRegistry: schemaRegistry() };
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Elbo',
        version: elboVersion,
        description:
          'Runs of a cluster that trains variational autoencoders: submit, watch, pause, resume, cancel; curves, pictures and files of each. Every error is a Problem.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: 'http://127.0.0.1:7351', description: 'The default address of `elbo coordinator`' }],
      tags: [
        { name: 'runs', description: 'Runs of the cluster' },
        { name: 'streams', description: 'Server-sent events' },
        { name: 'artefacts', description: 'What a run leaves behind' },
        { name: 'model', description: 'What the newest saved model of a run shows' },
        { name: 'service', description: 'Health, workers, data sets, metrics' },
        { name: 'session', description: 'Who asks' },
      ],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'ELBO_TOKEN for all, ELBO_READ_TOKEN to look' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'elbo-session-7351',
            description: 'Of POST /api/v1/session; its name ends with the port',
          },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: createJsonSchemaTransform(registry),
    transformObject: createJsonSchemaTransformObject(registry),
  });
  // What needs no token says so, and what needs the full one.
  app.addHook('onRoute', ({ config, schema, method }) => {
    if (!schema || schema.hide) return;
    if (config?.access === 'none') Object.assign(schema, { security: [] });
    else if (method !== 'GET') Object.assign(schema, { security: [{ token: ['full'] }, { session: ['full'] }] });
  });
}
