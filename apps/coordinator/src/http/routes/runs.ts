import { actionParamsSchema, runParamsSchema, runsSchema } from '@elbo/protocol/api';
import { type RunDetail, runDetailSchema, runSummarySchema, submissionSchema } from '@elbo/protocol/cluster';
import type { RunDirectory, Wanted } from '@elbo/transport/run-directory';
import { type Api, answers } from '../api.js';
import { unknownRun } from '../problem.js';
import { summaryOf } from '../run-summary.js';
import type { Submissions } from '../submissions.js';

const tags = ['runs'];
const wantedBy: Readonly<Record<'pause' | 'resume' | 'cancel', Wanted>> = {
  pause: 'pause',
  resume: 'run',
  cancel: 'cancel',
};

export function runRoutes(api: Api, directory: RunDirectory, submissions: Submissions): void {
  const found = async (runId: string): Promise<RunDetail> => {
    const run = await directory.find(runId);
    if (!run) throw unknownRun(runId);
    return run;
  };

  api.get(
    '/api/v1/runs',
    { schema: { tags, summary: 'All runs, the newest first; 1000 at most', response: answers(runsSchema) } },
    async () => ({ runs: await directory.list() }),
  );

  api.post(
    '/api/v1/runs',
    {
      schema: {
        tags,
        summary: 'Put a run into the queue',
        description:
          'Refused are a spec that does not hold, an unknown data set (422), more memory than a run may have (422), and a queue that is full (503).',
        body: submissionSchema,
        response: answers(runSummarySchema, 201),
      },
    },
    async (request, reply) => {
      const run = await submissions.submit(request.body);
      reply.code(201).header('location', `/api/v1/runs/${run.runId}`);
      return run;
    },
  );

  api.get(
    '/api/v1/runs/:runId',
    { schema: { tags, summary: 'A run, with its spec', params: runParamsSchema, response: answers(runDetailSchema) } },
    async ({ params }) => found(params.runId),
  );

  api.post(
    '/api/v1/runs/:runId/:action',
    {
      schema: {
        tags,
        summary: 'Pause, resume or cancel a run',
        description:
          'The answer is the run as it is now; whoever conducts it sees to it between two steps. 409 for a run that is over.',
        params: actionParamsSchema,
        response: answers(runSummarySchema),
      },
    },
    async ({ params: { runId, action } }) => {
      await found(runId);
      const state = await directory.want(runId, wantedBy[action]);
      return { ...summaryOf(await found(runId)), state };
    },
  );
}
