import { parentPort, workerData } from 'node:worker_threads';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';

// Doubles the tensor it is given, allocates one of its own and says where it is.
const arena = TensorArena.attach(workerData.memory);
const kernels = Kernels.create(arena);
const given = arena.view(workerData.ref);
const own = arena.allocate(given.length);
own.set(given);
kernels.addInto(given, own);
own.fill(7);
parentPort.postMessage(arena.refOf(own));
