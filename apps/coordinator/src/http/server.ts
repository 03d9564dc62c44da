import type { BoardQueue } from '@elbo/transport/redis/queues';
import type { RunDirectory } from '@elbo/transport/run-directory';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { CoordinatorMetrics } from '../metrics/coordinator-metrics.js';
import type { Api } from './api.js';
import { type GuardOptions, guardApi } from './auth/guard.js';
import type { ModelViews } from './model-views.js';
import { describeApi } from './openapi.js';
import { patientDirectory } from './patient-directory.js';
import { answerProblem, largestBodyBytes } from './problem.js';
import { artefactRoutes } from './routes/artefacts.js';
import { dashboardRoutes } from './routes/dashboard.js';
import { datasetRoutes } from './routes/datasets.js';
import { metricsRoutes } from './routes/metrics.js';
import { modelViewRoutes } from './routes/model-views.js';
import { queueRoutes } from './routes/queues.js';
import { runRoutes } from './routes/runs.js';
import { serviceRoutes } from './routes/service.js';
import { sessionRoutes } from './routes/session.js';
import { streamRoutes } from './routes/streams.js';
import type { RunFolders } from './run-folders/run-folders.js';
import { Streams } from './streams/streams.js';
import { Submissions } from './submissions.js';

export interface ApiOptions extends GuardOptions {
  readonly directory: RunDirectory;
  readonly folders: RunFolders;
  readonly views: ModelViews;
  /** Null where nothing is trained. */
  readonly metrics: Pick<CoordinatorMetrics, 'contentType' | 'text'> | null;
  /** BullMQ's, for the board at /queues. */
  readonly queues: readonly BoardQueue[];
  /** The built page; null where there is none. */
  readonly dashboardFolder: string | null;
  /** What a run may need in its coordinator, and in a worker of one thread: bytes. */
  readonly memoryLimit: number;
  readonly logger: FastifyBaseLogger;
}

const mostConnections = 2000;

/** The HTTP API and the page, not yet listening. Closing it leaves what was given to it open. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { folders, views, metrics, queues, dashboardFolder, logger } = options;
  // Without queues there is no Redis behind it that could be away: large folders take the time that they need.
  const directory = queues.length > 0 ? patientDirectory(options.directory) : options.directory;
  const api: Api = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: largestBodyBytes,
    requestTimeout: 30_000,
    // Without credentials a connection lasts as long as it takes to say what it wants.
    http: { headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    connectionTimeout: 120_000,
    keepAliveTimeout: 30_000,
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: true,
    frameworkErrors: answerProblem,
  }).withTypeProvider<ZodTypeProvider>();
  api.server.maxConnections = mostConnections;
  // A form of a stranger's page can send text.
  api.removeContentTypeParser('text/plain');
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  api.setErrorHandler(answerProblem);

  await api.register(fastifyHelmet, helmetOptions);
  await api.register(fastifyCookie);
  const guard = await guardApi(api, options);
  await describeApi(api);

  const streams = new Streams(directory, guard, api.log);
  api.addHook('preClose', async () => streams.close());
  serviceRoutes(api, directory, metrics);
  sessionRoutes(api, guard, queues.length > 0);
  runRoutes(api, directory, new Submissions(directory, options.memoryLimit));
  streamRoutes(api, streams);
  metricsRoutes(api, directory, folders);
  artefactRoutes(api, directory, folders);
  modelViewRoutes(api, folders, views);
  datasetRoutes(api);
  if (queues.length > 0) await queueRoutes(api, queues);
  await dashboardRoutes(api, dashboardFolder);
  await api.ready();
  return api;
}

const self = "'self'";
/** For pages of our own: their scripts and styles are files, and pictures also come from what scripts fetched. */
const helmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: [self],
      styleSrc: [self],
      imgSrc: [self, 'blob:', 'data:'],
      fontSrc: [self],
      connectSrc: [self],
      manifestSrc: [self],
      baseUri: [self],
      formAction: [self],
      frameAncestors: ["'none'"],
    },
  },
  // The server speaks plain HTTP; whoever puts TLS before it says so there.
  hsts: false,
  referrerPolicy: { policy: 'no-referrer' as const },
  xFrameOptions: { action: 'deny' as const },
};
