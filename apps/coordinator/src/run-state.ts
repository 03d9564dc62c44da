import { createHash } from 'node:crypto';
import type { ResolvedRun } from '@elbo/protocol/messages';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel, type Model } from '@elbo/vae-core/models/model';
import { createOptimizer, type Optimizer } from '@elbo/vae-core/optimizers/optimizer';
import { optimizerStateNames } from '@elbo/vae-core/optimizers/optimizer-state';
import { coordinatorBuffers, spareContributionBuffers } from '@elbo/vae-core/steps/kept-buffers';

/** All that changes while a run is conducted: parameters, optimiser state and the number of updates done. */
export class RunState {
  step = 0;

  private constructor(
    readonly model: Model,
    readonly arena: TensorArena,
    readonly parameters: Float32Array,
    readonly optimizer: Optimizer,
    /** What a checkpoint holds: parameters and optimiser state, by name. */
    readonly tensors: readonly { readonly name: string; readonly data: Float32Array }[],
    /** Kept memory for the gradients of a step. */
    readonly contributionBuffers: readonly Float32Array[],
  ) {}

  /** @param guestBuffers Room in the arena for buffers of the run that others allocate: embedded workers. */
  static create(run: ResolvedRun, guestBuffers: number): RunState {
    const model = createModel(run.spec.model, run.dataDim);
    const { length } = model.layout;
    const buffers = run.shardsPerStep + spareContributionBuffers;
    const kept = coordinatorBuffers(run.shardsPerStep, run.spec.training.optimizer);
    const arena = new TensorArena((kept + guestBuffers) * length * Float32Array.BYTES_PER_ELEMENT);
    const kernels = Kernels.create(arena);
    const parameters = arena.allocate(length);
    parameters.set(initializeParameters(model, run.spec.seed));
    const optimizer = createOptimizer(run.spec.training.optimizer, length, arena, kernels);
    const stateNames = optimizerStateNames[run.spec.training.optimizer.kind];
    const state = optimizer.state.map((data, i) => ({ name: stateNames[i] as string, data }));
    return new RunState(
      model,
      arena,
      parameters,
      optimizer,
      [{ name: 'parameters', data: parameters }, ...state],
      Array.from({ length: buffers }, () => arena.allocate(length)),
    );
  }

  /** SHA-256 of the flat little-endian float32 parameters. */
  parametersSha256(): string {
    return createHash('sha256').update(bytesOf(this.parameters)).digest('hex');
  }
}

/** A view. */
export function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}
