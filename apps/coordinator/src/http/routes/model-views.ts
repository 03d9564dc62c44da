import {
  exampleParamsSchema,
  exampleQuerySchema,
  latentQuerySchema,
  pointQuerySchema,
  runParamsSchema,
} from '@elbo/protocol/api';
import { latentPlaneSchema } from '@elbo/protocol/cluster';
import { type Api, answers, answersBytes } from '../api.js';
import type { ModelViews } from '../model-views.js';
import type { RunFolders } from '../run-folders/run-folders.js';
import { folderOf } from './artefacts.js';

const tags = ['model'];

/** What the newest saved model of a run shows. */
export function modelViewRoutes(api: Api, folders: RunFolders, views: ModelViews): void {
  api.get(
    '/api/v1/runs/:runId/latent',
    {
      schema: {
        tags,
        summary: 'Examples in the plane of the latent space that shows most of them',
        params: runParamsSchema,
        querystring: latentQuerySchema,
        response: answers(latentPlaneSchema),
      },
    },
    async ({ params, query }) => views.latentPlane(await folderOf(folders, params.runId), query.limit),
  );

  api.get(
    '/api/v1/runs/:runId/decode.png',
    {
      schema: {
        tags,
        summary: 'What the decoder makes of a point of the plane',
        params: runParamsSchema,
        querystring: pointQuerySchema,
        response: answersBytes('image/png', 'The mean of the likelihood'),
      },
    },
    async ({ params, query: { x, y } }, reply) =>
      reply.type('image/png').send(asBuffer(await views.decode(await folderOf(folders, params.runId), x, y))),
  );

  api.get(
    '/api/v1/runs/:runId/examples/:index.png',
    {
      schema: {
        tags,
        summary: 'An example of the data, as the model was trained on it',
        params: exampleParamsSchema,
        querystring: exampleQuerySchema,
        response: answersBytes('image/png', 'The example'),
      },
    },
    async ({ params: { runId, index }, query: { split } }, reply) => {
      const png = await views.example(await folderOf(folders, runId), index, split);
      return reply.type('image/png').header('cache-control', 'private, max-age=3600').send(asBuffer(png));
    },
  );
}

function asBuffer(png: Uint8Array): Buffer {
  return Buffer.from(png.buffer, png.byteOffset, png.byteLength);
}
