// Fetches the data set of a run as a worker does: `node fetching-worker.mjs <options as JSON>`, and says how it went.
import { hostname } from 'node:os';
import { DatasetCache } from '@elbo/datasets/cache';
import { obtainDataset } from '@elbo/datasets/fetched/obtain-dataset';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';

const { access, job, hash, folder } = JSON.parse(process.argv[2]);
const transport = await createRedisWorkerTransport(access);
const hello = {
  workerId: `w-${process.pid}`,
  version: '0',
  engines: {},
  cpu: '',
  threads: 1,
  host: hostname(),
  pid: 1,
};
const membership = await transport.join(
  job,
  hello,
  () => (length) => new Float32Array(new SharedArrayBuffer(4 * length)),
);
const dataset = await obtainDataset(hash, (from) => membership.fetchDataset(hash, from), {
  cache: new DatasetCache(folder),
  signal: membership.signal,
});
process.send({ hash: dataset.hash, bytes: dataset.bytes.length });
await transport.close();
process.disconnect();
