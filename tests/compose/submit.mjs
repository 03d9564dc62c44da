// Puts one run into the queue, from inside a container: what `elbo submit` does. Standard input: { runId, spec }.
import { text } from 'node:stream/consumers';
import { runJobSchema } from '@elbo/protocol/messages';
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';

const job = runJobSchema.parse(JSON.parse(await text(process.stdin)));
const transport = await createRedisConductorTransport({
  redisUrl: process.env.REDIS_URL,
  prefix: 'elbo',
  token: process.env.ELBO_TOKEN,
});
await transport.submitRun(job);
await transport.close();
