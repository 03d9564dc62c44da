import { parentPort, workerData } from 'node:worker_threads';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { applyUpdate, sumContributions } from '@elbo/vae-core/optimizers/split-update';

// Does its range of each half of an update, when told to.
const { memory, refs } = workerData;
const arena = TensorArena.attach(memory);
const kernels = Kernels.create(arena);
const view = (ref) => arena.view(ref);
const gradient = {
  contributions: refs.contributions.map(view),
  sum: view(refs.sum),
  squares: arena.viewFloat64(refs.squares),
};
const updated = { parameters: view(refs.parameters), state: refs.state.map(view) };

parentPort.on('message', ({ range, scalars }) => {
  if (scalars) applyUpdate(kernels, scalars, updated, gradient, range);
  else sumContributions(kernels, gradient, range);
  parentPort.postMessage('done');
});
