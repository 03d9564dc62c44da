import { metricsQuerySchema, runParamsSchema } from '@elbo/protocol/api';
import { runMetricsSchema } from '@elbo/protocol/cluster';
import type { RunDirectory } from '@elbo/transport/run-directory';
import { type Api, answers } from '../api.js';
import { metricsOf } from '../run-folders/metrics-file.js';
import { MetricsFiles } from '../run-folders/metrics-files.js';
import type { RunFolders } from '../run-folders/run-folders.js';
import { folderIfBegun } from './artefacts.js';

export function metricsRoutes(api: Api, directory: RunDirectory, folders: RunFolders): void {
  const files = new MetricsFiles();
  api.get(
    '/api/v1/runs/:runId/metrics',
    {
      schema: {
        tags: ['runs'],
        summary: 'The curves of a run',
        description:
          'Of its steps a choice, evenly over the run, the last among them; of its epochs all (of thousands a choice).',
        params: runParamsSchema,
        querystring: metricsQuerySchema,
        response: answers(runMetricsSchema),
      },
    },
    async ({ params: { runId }, query: { points } }) => {
      const folder = await folderIfBegun(folders, directory, runId);
      return folder === null ? metricsOf([], []) : files.read(folder, points);
    },
  );
}
