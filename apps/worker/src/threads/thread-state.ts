import { BatchReader } from '@elbo/datasets/batch-reader';
import { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { SplitName } from '@elbo/protocol/messages';
import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena, type TensorRef } from '@elbo/vae-core/kernels/tensor-arena';
import { createModel, type Model } from '@elbo/vae-core/models/model';
import { SharedUpdate } from '@elbo/vae-core/optimizers/shared-update';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { GradientBatches } from './gradient-batches.js';
import type { ThreadRun } from './messages.js';

/** A batch that is prepared for a gradient outlives an evaluation in between. */
type Purpose = 'gradient' | 'evaluation';

/** What one thread keeps of one run: its engine's model, its own copy of the parameters, its kept buffers. */
export class ThreadState {
  readonly model: Model;
  readonly streams: RandomStreams;
  readonly reader: BatchReader;
  /** The memory that all threads of the process share. */
  readonly arena: TensorArena;
  /** What this thread can help the coordinator of its process with. */
  readonly update: SharedUpdate | null;
  readonly gradient: Float32Array;
  readonly batches = new GradientBatches(this);
  readonly #parameters: Float32Array;
  #parameterVersion = -1;
  readonly #buffers = new Map<string, Float32Array>();
  #order: { epoch: number; indices: Uint32Array } | null = null;

  private constructor(
    readonly threadRun: ThreadRun,
    readonly engine: Engine,
  ) {
    const { run, dataset, memory, update } = threadRun;
    this.model = createModel(run.spec.model, run.dataDim);
    this.streams = new RandomStreams(run.spec.seed);
    this.reader = new BatchReader(new PackedDataset(dataset, run.datasetHash), run.spec.dataset, this.streams);
    this.arena = TensorArena.attach(memory);
    this.update = update && new SharedUpdate(Kernels.create(this.arena), update);
    this.#parameters = new Float32Array(this.model.layout.length);
    this.gradient = new Float32Array(this.model.layout.length);
  }

  /** @param before Of the same run under another conductor: what was compiled for it serves on. */
  static async create(threadRun: ThreadRun, before?: ThreadState): Promise<ThreadState> {
    return new ThreadState(threadRun, before?.engine ?? (await loadEngine(threadRun.run.spec.engine)));
  }

  /** This thread's copy of a version; engines want memory that is not shared. */
  parametersOf(version: number, shared: TensorRef): Float32Array {
    if (version !== this.#parameterVersion) {
      this.#parameters.set(this.arena.view(shared));
      this.#parameterVersion = version;
    }
    return this.#parameters;
  }

  /** The examples at positions begin..end: of the epoch's shuffled order when training, of the split otherwise. */
  examplesAt(split: SplitName, epoch: number, begin: number, end: number, shuffled: boolean): Uint32Array {
    if (!shuffled) return Uint32Array.from({ length: end - begin }, (_, i) => begin + i);
    if (split !== 'train') throw new Error('only the training split is shuffled');
    if (this.#order?.epoch !== epoch) {
      this.#order = { epoch, indices: this.streams.permutation('shuffle', epoch, this.threadRun.run.trainExamples) };
    }
    return this.#order.indices.subarray(begin, end);
  }

  /** [examples.length, dataDim] */
  readExamples(purpose: Purpose, split: SplitName, examples: Uint32Array, epoch: number): Float32Array {
    const x = this.#buffer(`${purpose} x`, examples.length * this.model.dataDim);
    this.reader.read(split, examples, epoch, x);
    return x;
  }

  /** [monteCarloSamples, batch, latentDim], each example's own draw whatever batch it stands in. */
  drawEpsilon(purpose: Purpose, draw: number, examples: Uint32Array): Float32Array {
    const stream = purpose === 'gradient' ? 'epsilon' : 'evaluation-epsilon';
    const { latentDim } = this.model;
    const samples = this.threadRun.run.spec.objective.monteCarloSamples;
    const epsilon = this.#buffer(`${purpose} epsilon`, samples * examples.length * latentDim);
    let offset = 0;
    for (let sample = 0; sample < samples; sample++) {
      for (let i = 0; i < examples.length; i++) {
        this.streams.fillNormal(stream, draw, examples[i] as number, sample, epsilon, offset, latentDim);
        offset += latentDim;
      }
    }
    return epsilon;
  }

  /** A kept buffer by name and length. */
  #buffer(name: string, length: number): Float32Array {
    const key = `${name}:${length}`;
    const kept = this.#buffers.get(key);
    if (kept) return kept;
    const buffer = new Float32Array(length);
    this.#buffers.set(key, buffer);
    return buffer;
  }
}
