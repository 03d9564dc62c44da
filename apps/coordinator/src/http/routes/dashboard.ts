import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyError, FastifyReply } from 'fastify';
import type { Api } from '../api.js';
import { answerProblem, sendProblem } from '../problem.js';

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Elbo</title>
<h1>The dashboard is not built</h1>
<p>The HTTP API answers here all the same: <code>/openapi.json</code> describes it. In a copy of the sources,
<code>npm run build</code> makes the dashboard; then start this process again.</p>
</html>
`;

/** Serves the built page to anybody: it holds nothing of the cluster, and asks for a token itself. */
export async function dashboardRoutes(api: Api, folder: string | null): Promise<void> {
  const built = folder !== null && existsSync(join(folder, 'index.html')) ? folder : null;
  await api.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'none' };
      route.schema = { ...route.schema, hide: true };
    });
    if (built === null) {
      pages.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(notBuilt as never));
      return;
    }
    // `//` in an address, of a variable that was not set, is not forbidden: there is nothing.
    pages.setErrorHandler((error: FastifyError, request, reply) =>
      (error.statusCode ?? 500) < 500 ? reply.callNotFound() : answerProblem(error, request, reply),
    );
    await pages.register(fastifyStatic, {
      root: built,
      index: 'index.html',
      // Built names carry a hash of what is in them.
      setHeaders: (reply, path) => {
        const isNamedByContent = path.startsWith(join(built, 'assets'));
        reply.header('cache-control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  });

  api.setNotFoundHandler((request, reply): FastifyReply => {
    const { method, url, headers } = request;
    const isPage = method === 'GET' && headers.accept?.includes('text/html') && !/^\/(api|queues|assets)\//.test(url);
    // A place within the page, opened anew.
    if (built !== null && isPage) return reply.sendFile('index.html');
    const message = `nothing answers ${method} at this address; /openapi.json says what there is`;
    return sendProblem(reply, 404, 'not-found', message);
  });
}
