import * as api from '@elbo/protocol/api';
import * as cluster from '@elbo/protocol/cluster';
import { epochEventSchema, runEventSchema } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { elboVersion } from '@elbo/protocol/version';
import fastifySwagger from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api } from './api.js';

const runExample = {
  ...{
    runId: 'mnist-1a2b3c4d',
    name: 'mnist',
    dataset: 'mnist',
    state: 'running',
    priority: 'normal',
    workerLimit: null,
  },
  ...{ submittedAt: 1_800_000_000_000, startedAt: 1_800_000_001_000, endedAt: null, epoch: 2, epochs: 10, step: 1100 },
  ...{ totalSteps: 4690, latest: { elbo: -114.2, reconstructionLogProb: -90.1, klDivergence: 24.1 } },
  ...{ elboHistory: [-126.8, -114.2], imagesPerSecond: 17_983, workers: 2, coordinator: 'host-1234' },
  ...{ parametersSha256: null, error: null },
};

/** Schemas that the document names once and points to. */
const named: Readonly<
  Record<string, { readonly schema: z.ZodType; readonly title: string; readonly example?: object }>
> = {
  Artefact: {
    schema: cluster.artefactSchema,
    title: 'A file of a run',
    example: { name: 'model.safetensors', bytes: 2_612_344, contentType: 'application/octet-stream' },
  },
  Dataset: { schema: api.datasetSummarySchema, title: 'A data set that runs can name' },
  EpochEvent: { schema: epochEventSchema, title: 'The report of an epoch' },
  LatentPlane: { schema: cluster.latentPlaneSchema, title: 'Examples in a plane of the latent space' },
  Problem: {
    schema: cluster.problemSchema,
    title: 'What went wrong',
    example: { code: 'unknown-run', message: 'there is no run mnist-1a2b3c4d here' },
  },
  Run: { schema: cluster.runDetailSchema, title: 'A run, with its spec' },
  RunEvent: { schema: runEventSchema, title: 'An event of a run, as in metrics.ndjson' },
  RunMetrics: { schema: cluster.runMetricsSchema, title: 'The curves of a run' },
  RunSpec: { schema: runSpecSchema, title: 'All that decides the result of a run' },
  RunSummary: { schema: cluster.runSummarySchema, title: 'A run', example: runExample },
  Session: {
    schema: api.sessionSchema,
    title: 'Who asks',
    example: { access: 'read', version: elboVersion, cluster: true },
  },
  Submission: {
    schema: cluster.submissionSchema,
    title: 'A run to put into the queue',
    example: { spec: { dataset: { name: 'mnist' }, training: { epochs: 10 } }, priority: 'high' },
  },
  Worker: { schema: cluster.workerReportSchema, title: 'A worker, as it reports itself' },
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
  const registry = z.registry<{ id?: string; title?: string; examples?: unknown[] }>();
  registry._map = new DescribedElsewhere();
  for (const [id, { schema, title, example }] of Object.entries(named)) {
    const said = z.globalRegistry.get(schema) as object | undefined;
    registry.add(schema, { ...said, id, title, ...(example ? { examples: [example] } : {}) });
  }
  return registry;
}

/** Describes the routes that are added after it as OpenAPI 3.1. */
export async function describeApi(app: Api): Promise<void> {
  const registry = { schemaRegistry: schemaRegistry() };
  const transformObject = createJsonSchemaTransformObject(registry);
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
    transformObject: (document) => withoutUnused(transformObject(document) as OpenApi) as never,
  });
  // What needs no token says so, and what needs the full one.
  app.addHook('onRoute', ({ config, schema, method }) => {
    if (!schema || schema.hide) return;
    if (config?.access === 'none') Object.assign(schema, { security: [] });
    else if (method !== 'GET' && method !== 'HEAD') {
      Object.assign(schema, { security: [{ token: ['full'] }, { session: ['full'] }] });
    }
  });
}

interface OpenApi {
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

/** Each schema is there for what comes in and for what goes out, and few are used as both. Streams are made of RunEvents. */
function withoutUnused(document: OpenApi): OpenApi {
  const { schemas = {} } = document.components ?? {};
  const text = JSON.stringify(document);
  const isUsed = (name: string) => name === 'RunEvent' || text.includes(`"#/components/schemas/${name}"`);
  const used = Object.fromEntries(Object.entries(schemas).filter(([name]) => isUsed(name)));
  const rest = { ...document, components: { ...document.components, schemas: used } };
  return Object.keys(used).length < Object.keys(schemas).length ? withoutUnused(rest) : rest;
}
