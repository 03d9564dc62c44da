// A coordinator process for tests that kill it: it takes a run and never finishes it.
import { createRedisConductorTransport } from '@elbo/transport/redis/conductor';

const transport = await createRedisConductorTransport(JSON.parse(process.argv[2]));
transport.conductRuns(async (job) => {
  process.send(job.runId);
  await new Promise(() => {});
});
