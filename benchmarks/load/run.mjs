/**
 * What watching costs: images a second of one MNIST run on a real cluster (Redis, `elbo coordinator` with its API, worker
 * processes), in turns with (a) nobody watching and (b) dashboards, each with the run's stream and the cluster's, and
 * runs waiting in the queue; beside it the API's latency while it trains. The watchers are a process of their own on the
 * same machine, and what they take of it counts as a cost of watching.
 * usage: npm run bench -- load [--turns 4] [--seconds 15] [--dashboards 50] [--queued 20] [--workers 2] [--batch 1024] [--json]
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, median, printTable } from '../support.mjs';
import { LoadedCluster } from './cluster.mjs';

const { values: flags } = parseArgs({
  options: {
    turns: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '15' },
    dashboards: { type: 'string', default: '50' },
    queued: { type: 'string', default: '20' },
    workers: { type: 'string', default: '2' },
    batch: { type: 'string', default: '1024' },
    json: { type: 'boolean', default: false },
  },
});
const [turns, seconds, dashboards, queued, workers, batch] = [
  ...[flags.turns, flags.seconds, flags.dashboards, flags.queued, flags.workers, flags.batch],
].map(Number);

const token = randomBytes(32).toString('hex');
const cluster = await LoadedCluster.start({ token, workers });
const results = { alone: [], watched: [] };
let runId = '';
try {
  const training = { epochs: 100_000, globalBatchSize: batch, shardsPerStep: workers };
  runId = await cluster.submit({ dataset: { name: 'mnist' }, name: 'watched', training });
  await cluster.steps(runId, 20);
  for (let turn = 0; turn < turns; turn++) {
    // The order changes from turn to turn: a machine that slows down slows both.
    for (const mode of turn % 2 ? ['watched', 'alone'] : ['alone', 'watched']) {
      const result = await (mode === 'alone' ? measure() : watched());
      results[mode].push(result);
      if (!flags.json) console.error(`turn ${turn + 1}, ${mode}: ${Math.round(result.imagesPerSecond)} images/s`);
    }
  }
} finally {
  await cluster.stop();
}
report();

/** A turn: after two seconds to settle, so many seconds of steps. */
async function measure() {
  await delay(2000);
  const before = { ...cluster.progress(runId), cpu: cluster.coordinatorCpuSeconds() };
  await delay(seconds * 1000);
  const after = { ...cluster.progress(runId), cpu: cluster.coordinatorCpuSeconds() };
  const elapsed = (after.time - before.time) / 1000;
  return {
    imagesPerSecond: (after.examples - before.examples) / elapsed,
    coordinatorCores: (after.cpu - before.cpu) / seconds,
    coordinatorMegabytes: cluster.coordinatorMegabytes(),
  };
}

async function watched() {
  const waiting = [];
  for (let i = 0; i < queued; i++) waiting.push(await cluster.submit({ dataset: { name: 'mnist' }, name: 'waiting' }));
  const script = fileURLToPath(new URL('./watchers.mjs', import.meta.url));
  const watchers = fork(script, [JSON.stringify({ api: cluster.api, token, runId, dashboards })]);
  await once(watchers, 'message');
  const result = await measure();
  watchers.send('report');
  const [seen] = await once(watchers, 'message');
  watchers.kill();
  for (const id of waiting) await cluster.cancel(id);
  return { ...result, ...seen };
}

function report() {
  const of = (mode, field) => results[mode].map((result) => result[field]);
  const middle = (mode, field) => median(of(mode, field));
  // Of the two halves of each turn: they have the same minutes.
  const ratio = median(results.watched.map((each, i) => each.imagesPerSecond / results.alone[i].imagesPerSecond));
  const latencies = Object.entries(results.watched[0]?.latencies ?? {}).map(([path]) => {
    const all = results.watched.flatMap(({ latencies }) => latencies[path]).sort((a, b) => a - b);
    const at = (part) => all[Math.min(all.length - 1, Math.floor(all.length * part))];
    return { path, requests: all.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), most: all.at(-1) };
  });
  const figures = {
    machine: machine(),
    ...{ workers, batch, dashboards, queued, turns, seconds, results, ratio, latencies },
    peakCoordinatorMegabytes: cluster.peakMegabytes,
  };
  if (flags.json) {
    console.log(JSON.stringify(figures));
    return;
  }
  console.log(`\n${figures.machine}`);
  console.log(`MNIST, batch ${batch}, ${workers} workers; ${turns} turns of ${seconds} s each, medians\n`);
  const row = (name, mode) => [
    name,
    Math.round(middle(mode, 'imagesPerSecond')),
    of(mode, 'imagesPerSecond').map(Math.round).join(' '),
    middle(mode, 'coordinatorCores').toFixed(2),
    Math.round(middle(mode, 'coordinatorMegabytes')),
  ];
  printTable(
    ['', 'images/s', 'each turn', 'coordinator, cores', 'coordinator, MB'],
    [row('nobody watches', 'alone'), row(`${dashboards} dashboards, ${queued} runs in the queue`, 'watched')],
  );
  console.log(
    `\nwatched is ${ratio.toFixed(3)} of unwatched (median of the turns); the coordinator's peak is ${Math.round(cluster.peakMegabytes)} MB`,
  );
  console.log(`a dashboard was sent ${Math.round(median(of('watched', 'eventsPerSecond')))} events a second\n`);
  printTable(
    ['latency while it trains, ms', 'requests', 'p50', 'p95', 'p99', 'most'],
    latencies.map(({ path, requests, ...times }) => [
      path,
      requests,
      ...Object.values(times).map((ms) => ms.toFixed(1)),
    ]),
  );
}

function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
