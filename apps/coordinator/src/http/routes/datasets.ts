import { listDatasets } from '@elbo/datasets/catalog';
import { datasetsSchema } from '@elbo/protocol/api';
import { type Api, answers } from '../api.js';

export function datasetRoutes(api: Api): void {
  api.get(
    '/api/v1/datasets',
    {
      schema: {
        tags: ['service'],
        summary: 'The data sets that runs can name here',
        response: answers(datasetsSchema),
      },
    },
    async () => {
      const all = await listDatasets();
      return {
        datasets: all.flatMap((each) => {
          if ('problem' in each) return [];
          const { path: _, ...summary } = each;
          return [{ ...summary, exampleShape: [...summary.exampleShape] }];
        }),
        broken: all.flatMap((each) =>
          // The message would name paths of this machine.
          'problem' in each
            ? [{ name: each.name, code: each.problem.code, message: 'see `elbo datasets` at the coordinator' }]
            : [],
        ),
      };
    },
  );
}
