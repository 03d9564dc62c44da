import { eventPlaceSchema, runParamsSchema, runStreamQuerySchema } from '@elbo/protocol/api';
import { type Api, answersBytes } from '../api.js';
import { Refusal } from '../problem.js';
import type { Streams } from '../streams/streams.js';

const response = answersBytes('text/event-stream', 'Server-sent events, until either side closes');
const tags = ['streams'];

export function streamRoutes(api: Api, streams: Streams): void {
  api.get(
    '/api/v1/events',
    {
      config: { stream: true },
      exposeHeadRoute: false, // it would stay open, and say nothing
      schema: {
        tags,
        summary: 'What changes in the cluster',
        description:
          'Event `runs` with {runs} and event `workers` with {workers}: at first, and when something changed, twice a second at most.',
        response,
      },
    },
    (request, reply) => streams.watchCluster(request, reply),
  );

  api.get(
    '/api/v1/runs/:runId/events',
    {
      config: { stream: true },
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'The events of a run',
        description:
          "The run's events, each with its place as id and its kind as event; `state` with the run's summary at first, after the events that are kept, and when it changed; `gap` when events are gone. Last-Event-ID or `after` continues, `from=start` begins with all that is kept.",
        params: runParamsSchema,
        querystring: runStreamQuerySchema,
        response,
      },
    },
    (request, reply) => {
      const { after, from } = request.query;
      const last = request.headers['last-event-id'];
      const place = last === undefined || last === '' ? after : eventPlaceSchema.safeParse(last).data;
      if (last && place === undefined) throw new Refusal(400, 'bad-request', 'Last-Event-ID is not the id of an event');
      return streams.watchRun(request, reply, request.params.runId, place ?? (from === 'start' ? null : undefined));
    },
  );
}
