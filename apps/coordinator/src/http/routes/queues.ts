import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { BoardQueue } from '@elbo/transport/redis/queues';
import type { FastifyError } from 'fastify';
import type { Api } from '../api.js';
import { Refusal, refusalOf } from '../problem.js';

const path = '/queues';

/** bull-board: the queues as BullMQ has them. Reading access sees it all and can change nothing. */
export async function queueRoutes(api: Api, queues: readonly BoardQueue[]): Promise<void> {
  const adapter = new FastifyAdapter().setBasePath(path);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Elbo', hideRedisDetails: true } },
  });
  // What the guard refuses is told as everywhere else.
  adapter.setErrorHandler((error) => {
    const refusal = refusalOf(error as FastifyError);
    if (!refusal) api.log.error({ err: error }, 'the board of queues failed');
    const { status, code, message } = refusal ?? new Refusal(500, 'internal', 'this is a fault of the coordinator');
    return { status: status as 500, body: { code, message } };
  });
  await api.register(
    async (board) => {
      board.addHook('onRoute', (route) => {
        route.schema = { ...route.schema, hide: true };
      });
      await board.register(adapter.registerPlugin());
    },
    { prefix: path },
  );
}
