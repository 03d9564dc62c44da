/*
 * A worker of a chaos run: `node worker.mjs <prefix> <id>`. It is the real worker on the real transport, and says
 * what was refused. Told to (over IPC), it does one of these to the next shard that it takes:
 *   delay-delivery, delay-contribution              waits `ms` before it begins, or before it sends
 *   duplicate-delivery                              has the parent put the same job into the queue a second time
 *   duplicate-contribution                          sends its contribution twice
 */
import { setTimeout as delay } from 'node:timers/promises';
import { obtainDataset } from '@elbo/datasets/fetched/obtain-dataset';
import { defaultLogger } from '@elbo/transport/log';
import { createRedisWorkerTransport } from '@elbo/transport/redis/worker';
import { Worker } from '@elbo/worker/worker';

const [prefix, workerId] = process.argv.slice(2);
const { REDIS_URL: redisUrl, ELBO_TOKEN: token } = process.env;
const tell = (message) => process.connected && process.send(message);
const cpuMs = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;

/** What is to be done to the next shard, by kind. */
const pending = new Map();
/** Takes a fault that is to be done now, and says so. */
function due(kind) {
  const fault = pending.get(kind);
  if (!fault) return null;
  pending.delete(kind);
  tell({ done: fault.id });
  return fault;
}

let contributed = false;
function noteReply(reply) {
  if (!reply.accepted) tell({ refused: reply.reason });
  else if (!contributed) tell({ firstContribution: true, cpuMs: cpuMs() });
  contributed ||= reply.accepted;
  return reply;
}

async function contribute(membership, header, gradient) {
  const late = due('delay-contribution');
  if (late) await delay(late.ms);
  const twice = gradient !== null && due('duplicate-contribution');
  if (!twice) return noteReply(await membership.contribute(header, gradient));
  const again = await membership.contributionBuffer(header.job);
  again.set(gradient);
  const second = membership.contribute.bind(membership, header, again);
  const [reply] = await Promise.all([membership.contribute(header, gradient), second().then(noteReply, () => {})]);
  return noteReply(reply);
}

async function deliver(job, handler) {
  const late = due('delay-delivery');
  if (late) await delay(late.ms);
  if (job.kind === 'gradient' && due('duplicate-delivery')) tell({ redeliver: job });
  return handler(job);
}

const altered = new WeakMap();
function alter(membership) {
  const known = altered.get(membership);
  if (known) return known;
  const proxy = new Proxy(membership, {
    get(target, name) {
      if (name === 'contribute') return contribute.bind(null, target);
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  altered.set(membership, proxy);
  return proxy;
}

const transport = await createRedisWorkerTransport({ redisUrl, prefix, token });
const worker = new Worker(
  {
    takeShards: (handler, slots) => transport.takeShards((job) => deliver(job, handler), slots),
    close: () => transport.close(),
    join: async (job, hello, newMemory) => alter(await transport.join(job, hello, newMemory)),
  },
  {
    workerId,
    threads: 1,
    log: defaultLogger('worker'),
    onRefused: (error) => tell({ refused: `membership: ${error.message}` }),
    surroundings: {
      async openDataset(hash, membership) {
        const source = (from) => membership.fetchDataset(hash, from);
        return (await obtainDataset(hash, source, { signal: membership.signal })).buffer;
      },
    },
  },
);
process.on('message', (fault) => pending.set(fault.kind, fault));
process.on('SIGTERM', async () => {
  await worker.close();
  // What it has said must have gone out.
  process.disconnect();
});
process.once('disconnect', () => process.exit(0));
tell({ ready: true });
