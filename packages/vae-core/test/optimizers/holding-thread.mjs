import { parentPort, workerData } from 'node:worker_threads';
import { PartCounter } from '@elbo/vae-core/optimizers/part-counter';

// Takes a part when told to, says so, and is done with it a good while later.
const { words, held } = workerData;
const counter = new PartCounter(words, 2);
parentPort.postMessage('ready');
while (Atomics.load(held, 0) === 0) Atomics.wait(held, 0, 0, 1000);
counter.take();
Atomics.store(held, 0, 2);
Atomics.notify(held, 0);
Atomics.wait(held, 1, 0, 100);
Atomics.store(held, 1, 1);
counter.done();
