import { defaultLogger } from '@elbo/transport/log';
import { createApi } from './server.js';

/** The OpenAPI document, as `/openapi.json` has it, without a server. */
export async function openApiDocument(): Promise<object> {
  // Nobody asks this API anything: what it would answer with may be absent.
  const nothing = undefined as never;
  const api = await createApi({
    tokens: { full: 'nobody shows this one', read: null },
    listenHost: '127.0.0.1',
    hostNames: [],
    memoryLimit: 0,
    directory: nothing,
    folders: nothing,
    views: nothing,
    metrics: null,
    queues: [],
    dashboardFolder: null,
    logger: defaultLogger('api'),
  });
  const document = api.swagger();
  await api.close();
  return document;
}
