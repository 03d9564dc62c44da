import { fileURLToPath } from 'node:url';
import { type ApiOptions, createApi } from '@elbo/coordinator/http/server';
import { defaultLogger, keepSecret } from '@elbo/transport/log';
import { UsageError } from '../errors.js';
import { ThreadedModelViews } from '../model/views/threaded-model-views.js';

/** The built page, beside this package. */
const dashboardFolder = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));

export interface ServeApiOptions extends Omit<ApiOptions, 'views' | 'dashboardFolder' | 'logger' | 'listenHost'> {
  readonly listen: { readonly host: string; readonly port: number };
  /** What to do when the address is taken. */
  readonly otherwise: string;
}

export interface ServedApi {
  /** http://host:port of the page and the API, as this machine reaches it. */
  readonly address: string;
  /** Ends all connections. What the API was given stays open. */
  close(): Promise<void>;
}

/** Serves the HTTP API and the page. @throws UsageError when the address is taken, or is none of this machine's */
export async function serveApi(options: ServeApiOptions): Promise<ServedApi> {
  const { host, port } = options.listen;
  for (const token of [options.tokens.full, options.tokens.read]) if (token !== null) keepSecret(token);
  const views = new ThreadedModelViews();
  const api = await createApi({ ...options, listenHost: host, views, dashboardFolder, logger: defaultLogger('api') });
  const close = async () => {
    await api.close();
    await views.close();
  };
  try {
    await api.listen({ host, port });
  } catch (error) {
    await close();
    throw new UsageError(
      `the page and the API cannot listen on ${host}:${port} (${(error as NodeJS.ErrnoException).code}): ${options.otherwise}`,
      { cause: error },
    );
  }
  const { port: chosen } = api.addresses()[0] as { port: number };
  const name = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return { address: `http://${name.includes(':') ? `[${name}]` : name}:${chosen}`, close };
}
