import { once } from 'node:events';
import { obtainDataset } from '@elbo/datasets/fetched/obtain-dataset';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Worker } from '@elbo/worker/worker';
import { pino } from 'pino';

/**
 * A worker process for tests: the real worker and the real transport, and between them what a test asks for.
 *   slowdown     contributions wait so many times as long as their computing took
 *   delayMs      contributions wait so long; the parent may change it by a message { delayMs }
 *   duplicates   contributes each gradient a second time
 *   holdAt       says { holding } before its so-manieth contribution, and waits until the parent answers
 *   shareMemory  false: tensors go over the socket
 *   build        what it says of itself when it joins
 */
const options = JSON.parse(process.argv[2]);
const {
  redisUrl,
  prefix,
  token,
  workerId,
  threads = 1,
  slowdown = 0,
  delayMs = 0,
  duplicates = false,
  holdAt = 0,
  build,
} = options;
const { shareMemory = true } = options;
const transport = await createRedisWorkerTransport({ redisUrl, prefix, token, shareMemory });
const began = new Map();
let waitMs = delayMs;
let contributions = 0;

async function contribute(membership, header, gradient) {
  const took = performance.now() - (began.get(header.job.parameterVersion) ?? performance.now());
  const ms = took * slowdown + waitMs;
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  if (++contributions === holdAt) {
    process.send({ holding: header.job });
    await once(process, 'message');
  }
  if (!duplicates || gradient === null) return membership.contribute(header, gradient);
  const again = await membership.contributionBuffer(header.job);
  again.set(gradient);
  const replies = [membership.contribute(header, gradient), membership.contribute(header, again).catch(() => {})];
  return (await Promise.all(replies))[0];
}

const altered = new WeakMap();
function alter(membership) {
  const known = altered.get(membership);
  if (known) return known;
  const proxy = new Proxy(membership, {
    get(target, name) {
      if (name === 'contribute') return contribute.bind(null, target);
      if (name === 'parametersFor') {
        return async (version) => {
          const parameters = await target.parametersFor(version);
          began.set(version, performance.now());
          return parameters;
        };
      }
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  altered.set(membership, proxy);
  return proxy;
}

const worker = new Worker(
  {
    takeShards: (handler, slots) => transport.takeShards(handler, slots),
    close: () => transport.close(),
    join: async (job, hello, newMemory) => alter(await transport.join(job, hello, newMemory)),
  },
  {
    workerId,
    threads,
    log: pino({ level: 'silent' }),
    ...(build ? { build } : {}),
    onRefused: (error) => {
      process.send?.({ refused: error.message });
    },
    surroundings: {
      async openDataset(hash, membership) {
        const source = (from) => membership.fetchDataset(hash, from);
        return (await obtainDataset(hash, source, { signal: membership.signal })).buffer;
      },
    },
  },
);
process.on('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
process.on('message', (message) => {
  if (typeof message.delayMs === 'number') waitMs = message.delayMs;
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
