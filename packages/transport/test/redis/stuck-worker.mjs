// A worker process for tests that kill it: it takes shards and never contributes.
import { hostname } from 'node:os';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';

const { workerId, join = true, ...options } = JSON.parse(process.argv[2]);
const transport = await createRedisWorkerTransport(options);
const hello = { workerId, version: '0.1.0', engines: {}, cpu: '', threads: 1, host: hostname(), pid: process.pid };
transport.takeShards(async (job) => {
  if (join) {
    const membership = await transport.join(job, hello, () => (length) => new Float32Array(length));
    await membership.parametersFor(job.parameterVersion);
  }
  process.send('taken');
  await new Promise(() => {});
}, 1);
process.send('up');
