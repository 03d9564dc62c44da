/*
 * Whether memory levels off: `node tests/chaos/soak.mjs --steps 10000`. Trains with a coordinator and two workers as
 * processes on a real Redis, and prints what each of them holds (resident MiB) every five hundred steps. Exit code 1 when
 * the highest of the last quarter is more than 16 MiB above the highest of the quarter before it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { ChaosCluster } from './cluster.mjs';
import { Processes } from './processes.mjs';
import { ChaosRedis } from './redis.mjs';
import { trainOn } from './train.mjs';

const stepsPerEpoch = 200;
const every = 500;
const grownMiB = 16;
const { values } = parseArgs({ options: { steps: { type: 'string', default: '10000' } } });
const epochs = Math.ceil(Math.max(4 * every, Number(values.steps)) / stepsPerEpoch);
const spec = runSpecSchema.parse({
  name: 'soak',
  seed: 1,
  dataset: { name: 'mnist', limit: 64 * stepsPerEpoch },
  training: { epochs, globalBatchSize: 64, shardsPerStep: 2 },
});

const processes = new Processes();
try {
  const redis = await ChaosRedis.start(processes);
  const cluster = new ChaosCluster(processes, redis);
  cluster.addCoordinator();
  const workers = [await cluster.addWorker(), await cluster.addWorker()];
  const samples = [];
  await trainOn(cluster, 'soak-run', spec, 3_600_000, async (timeline, signal) => {
    for (let next = every; ; next += every) {
      while (timeline.progress < next) await delay(20, undefined, { signal });
      const info = await redis.client.info('memory');
      const sample = {
        coordinator: residentMiB(cluster.conductor.child.pid),
        worker: Math.max(...workers.map(({ process }) => residentMiB(process.child.pid))),
        redis: Number(/used_memory:(\d+)/.exec(info)[1]) / 2 ** 20,
      };
      samples.push(sample);
      const figures = Object.entries(sample).map(([name, mebibytes]) => `${name} ${mebibytes.toFixed(1)}`);
      console.log(`step ${timeline.progress}: ${figures.join(', ')}`);
    }
  });
  const highest = (name, from, to) =>
    Math.max(...samples.slice(from * samples.length, to * samples.length).map((sample) => sample[name]));
  for (const name of Object.keys(samples[0])) {
    const grown = highest(name, 0.75, 1) - highest(name, 0.5, 0.75);
    console.log(`${name}: ${grown.toFixed(1)} MiB more in the last quarter than in the one before it`);
    if (grown > grownMiB) process.exitCode = 1;
  }
  await cluster.close();
} finally {
  await processes.close();
}
process.exit();

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}
