import { parentPort, workerData } from 'node:worker_threads';
import { PartCounter } from '@elbo/vae-core/optimizers/part-counter';

// Takes parts of every round until it is told to stop, and counts each.
const { words, parts, counts } = workerData;
const counter = new PartCounter(words, parts);
let stopped = false;
parentPort.once('message', () => (stopped = true));
parentPort.postMessage('ready');
turn();

function turn() {
  for (let looks = 0; looks < 1000; looks++) {
    const part = counter.take();
    if (part === null) continue;
    Atomics.add(counts, part, 1);
    counter.done();
  }
  if (!stopped) setImmediate(turn);
}
