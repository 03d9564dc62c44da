import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withDeadline } from './deadline.mjs';
import { Timeline } from './timeline.mjs';

const elbo = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const silenceMs = 45_000;
const lookMs = 50;

/**
 * Submits a run and waits for its end. Rejects when it fails, when its events stop for long, and past the deadline.
 * @param {(timeline: Timeline, signal: AbortSignal) => Promise<void>} meanwhile
 */
export async function trainOn(cluster, runId, spec, deadlineMs, meanwhile = async () => {}) {
  const timeline = new Timeline(runId);
  let lastSign = performance.now();
  cluster.onEvent = (event) => {
    if (event.event !== 'notice') lastSign = performance.now();
    timeline.take(event);
  };
  const over = new AbortController();
  const cpuBefore = cluster.processes.cpuSeconds;
  const began = performance.now();
  await cluster.submit(runId, spec);
  const disturbing = meanwhile(timeline, over.signal);
  disturbing.catch(() => {}); // awaited below
  try {
    while (!timeline.finished) {
      await delay(lookMs);
      if (timeline.failed) throw new Error(`run ${runId} failed: ${timeline.failed.message}`);
      const now = performance.now();
      const where = `run ${runId} is at step ${timeline.progress}`;
      if (now - lastSign > silenceMs) throw new Error(`${where} and has not moved for ${silenceMs / 1000} s`);
      if (now - began > deadlineMs) throw new Error(`${where} after ${deadlineMs / 1000} s: it is too slow`);
    }
  } finally {
    over.abort();
  }
  await disturbing.catch((error) => {
    if (error.name !== 'AbortError') throw error;
  });
  const cpuSeconds = cluster.processes.cpuSeconds - cpuBefore;
  return { timeline, cpuSeconds, learning: await readLearning(cluster.runFolder(runId)) };
}

/** @returns {Promise<string>} the parametersSha256 of a run in one process, without a cluster */
export async function trainEmbedded(processes, spec) {
  const specFile = join(processes.folder, 'spec.json');
  await writeFile(specFile, JSON.stringify(spec));
  const flags = ['train', specFile, '--threads', '2', '--json', '--out', join(processes.folder, 'embedded')];
  const training = processes.spawn('embedded', process.execPath, [elbo, ...flags], { stdout: true });
  training.ending = true;
  let sha256 = null;
  const lines = createInterface({ input: training.child.stdout });
  lines.on('line', (line) => {
    sha256 = JSON.parse(line).parametersSha256 ?? sha256;
  });
  const read = once(lines, 'close');
  const how = await withDeadline(training.ended, 300_000, 'the embedded run did not end');
  await read;
  if (how !== 'exit code 0') throw new Error(`the embedded run ended with ${how}: ${training.describe()}`);
  return sha256;
}

/** What a run's folder has on record of every step and epoch, without times. */
async function readLearning(runFolder) {
  const text = await readFile(join(runFolder, 'metrics.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'step' || event === 'epoch')
    .map(({ runId, time, imagesPerSecond, seconds, phases, ...rest }) => rest);
}
