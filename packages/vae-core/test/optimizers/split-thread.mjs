import { parentPort, workerData } from 'node:worker_threads';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { SharedUpdate } from '@elbo/vae-core/optimizers/shared-update';

// Helps with every update until it is told to stop, and says how often it did something.
const { memory, shared, helped } = workerData;
const kernels = Kernels.create(TensorArena.attach(memory));
const counting = new Proxy(kernels, {
  get(target, name) {
    if (name === 'sumAndSquares') Atomics.add(helped, 0, 1);
    if (name === 'sgd' || name === 'momentum' || name === 'adam') Atomics.add(helped, 1, 1);
    const value = Reflect.get(target, name);
    return typeof value === 'function' ? value.bind(target) : value;
  },
});
const update = new SharedUpdate(counting, shared);
parentPort.postMessage('ready');
while (Atomics.load(helped, 2) === 0) update.help();
