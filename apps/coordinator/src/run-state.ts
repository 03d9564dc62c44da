import { createHash } from 'node:crypto';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { initializeParameters } from '@elbo/vae-core/models/initialize';
import { createModel, type Model } from '@elbo/vae-core/models/model';
import { createOptimizer, type Optimizer, optimizerStateCount } from '@elbo/vae-core/optimizers/optimizer';

/** Contributions that may be on their way beyond one for each shard: shards computed twice. */
export const spareContributionBuffers = 2;

/** All that changes while a run is conducted: parameters, optimiser state and the number of updates done. */
export class RunState {
  step = 0;

  private constructor(
    readonly model: Model,
    readonly arena: TensorArena,
    readonly parameters: Float32Array,
    readonly optimizer: Optimizer,
    /** Kept memory for the gradients of a step. */
    readonly contributionBuffers: readonly Float32Array[],
  ) {}

  /** @param guestBuffers Room in the arena for buffers of the run that others allocate: embedded workers. */
  static create(run: ResolvedRun, guestBuffers: number): RunState {
    const model = createModel(run.spec.model, run.dataDim);
    const { length } = model.layout;
    const buffers = run.shardsPerStep + spareContributionBuffers;
    const arena = new TensorArena((coordinatorBuffers(run) + guestBuffers) * length * Float32Array.BYTES_PER_ELEMENT);
    const kernels = Kernels.create(arena);
    const parameters = arena.allocate(length);
    parameters.set(initializeParameters(model, run.spec.seed));
    const optimizer = createOptimizer(run.spec.training.optimizer, length, arena, kernels);
    return new RunState(
      model,
      arena,
      parameters,
      optimizer,
      Array.from({ length: buffers }, () => arena.allocate(length)),
    );
  }

  /** SHA-256 of the flat little-endian float32 parameters. */
  parametersSha256(): string {
    return createHash('sha256').update(bytesOf(this.parameters)).digest('hex');
  }

  snapshot(meta: string): RunSnapshot {
    const tensors = Buffer.concat([this.parameters, ...this.optimizer.state].map(bytesOf));
    return { step: this.step, meta, tensors };
  }

  /** @throws RangeError when the snapshot is of another model or optimiser. */
  restore(snapshot: RunSnapshot): void {
    const targets = [this.parameters, ...this.optimizer.state];
    const expected = targets.reduce((sum, target) => sum + target.byteLength, 0);
    if (snapshot.tensors.byteLength !== expected) {
      throw new RangeError(
        `the snapshot holds ${snapshot.tensors.byteLength} bytes of tensors, and this run's model and optimiser need ${expected}`,
      );
    }
    let offset = 0;
    for (const target of targets) {
      bytesOf(target).set(snapshot.tensors.subarray(offset, offset + target.byteLength));
      offset += target.byteLength;
    }
    this.step = snapshot.step;
  }
}

/** Kept buffers of a coordinator for one run, each as long as the parameters. */
export function coordinatorBuffers(run: ResolvedRun): number {
  const summedGradient = 1;
  return (
    1 + optimizerStateCount(run.spec.training.optimizer) + summedGradient + run.shardsPerStep + spareContributionBuffers
  );
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}
