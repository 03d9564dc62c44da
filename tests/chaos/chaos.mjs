import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { ChaosCluster } from './cluster.mjs';
import { FaultInjector } from './faults.mjs';
import { ChaosRedis } from './redis.mjs';
import { buildReport } from './report.mjs';
import { drawSchedule } from './schedule.mjs';
import { trainEmbedded, trainOn } from './train.mjs';

const workerCount = 4;
/** What a first guess takes a chaos run to keep of the throughput. */
const expectedToKeep = 0.9;
const lookMs = 50;

function specOf(seed, epochs) {
  return runSpecSchema.parse({
    name: 'chaos',
    seed,
    dataset: { name: 'mnist' },
    model: { latentDim: 20, encoder: { hidden: [400] }, decoder: { hidden: [400] } },
    training: { epochs, globalBatchSize: 512, shardsPerStep: 4 },
  });
}

/**
 * @param {import('./processes.mjs').Processes} processes
 * @param {{ minutes: number, seed: number, say: (line: string) => void }} options
 */
export async function runChaos(processes, { minutes, seed, say }) {
  const othersCores = await busyCores(1000);
  const redis = await ChaosRedis.start(processes);
  const cluster = new ChaosCluster(processes, redis);
  try {
    for (let i = 0; i < 2; i++) cluster.addCoordinator();
    for (let i = 0; i < workerCount; i++) await cluster.addWorker();
    say(`${workerCount} workers and 2 coordinators on ${redis.url}`);

    const calibration = await trainOn(cluster, 'calibration', specOf(seed, 2), 300_000);
    const embedded = await trainEmbedded(processes, specOf(seed, 2));
    const stepsPerEpoch = calibration.timeline.progress / 2;
    // Over the first epoch the workers get ready.
    const [first, second] = calibration.timeline.epochEnds;
    const epochMs = second - first;
    const epochs = Math.max(2, Math.round((minutes * 60_000 * expectedToKeep) / epochMs));
    say(`an epoch takes ${(epochMs / 1000).toFixed(1)} s: ${epochs} epochs`);

    const spec = specOf(seed, epochs);
    const deadlineMs = 3 * minutes * 60_000 + 120_000;
    const undisturbed = await trainOn(cluster, 'undisturbed', spec, deadlineMs);
    say(`undisturbed: ${Math.round(undisturbed.timeline.imagesPerSecond)} images a second`);

    const schedule = drawSchedule(seed, minutes * 60);
    say(`chaos: ${schedule.faults.length} faults`);
    const injector = new FaultInjector(cluster, say);
    cluster.refused.clear();
    cluster.startCpuMs.length = 0;
    const chaos = await trainOn(cluster, 'chaos', spec, deadlineMs, async (timeline, signal) => {
      while (timeline.steps.length === 0) await delay(lookMs, undefined, { signal });
      const began = timeline.steps[0].at;
      const elapsed = () =>
        Math.max((performance.now() - began) / 1000, (timeline.progress / (epochs * stepsPerEpoch)) * minutes * 60);
      await Promise.all([
        injector.inject(schedule.faults, elapsed, signal),
        injector.watch(schedule.phases, elapsed, signal),
      ]);
    });
    await injector.settled();
    const leftovers = await leftOver(cluster);
    const drained = await Promise.allSettled([...cluster.workers.values()].map((worker) => cluster.drain(worker)));
    return buildReport({
      minutes,
      seed,
      othersCores,
      spec,
      schedule,
      faults: injector.done,
      windows: injector.windows,
      undisturbed,
      chaos,
      sameAsEmbedded: embedded === calibration.timeline.finished.parametersSha256,
      refused: cluster.refused,
      startCpuMs: cluster.startCpuMs,
      leftovers,
      undrained: drained.flatMap(({ reason }) => (reason ? [reason.message] : [])),
      lost: processes.lost.map((one) => one.describe()),
    });
  } finally {
    await cluster.close();
  }
}

/** How many cores were busy over the next so many milliseconds. */
async function busyCores(ms) {
  const count = () =>
    cpus().map(({ times }) => ({ idle: times.idle, all: Object.values(times).reduce((a, b) => a + b) }));
  const before = count();
  await delay(ms);
  return count().reduce((busy, { idle, all }, i) => {
    const share = (idle - before[i].idle) / Math.max(1, all - before[i].all);
    return busy + 1 - share;
  }, 0);
}

/** The record of a run is written after its last event: a moment later nothing else is left. */
async function leftOver(cluster) {
  const until = performance.now() + 10_000;
  for (;;) {
    const leftovers = await cluster.leftovers();
    if (leftovers.length === 0 || performance.now() > until) return leftovers;
    await delay(lookMs);
  }
}
