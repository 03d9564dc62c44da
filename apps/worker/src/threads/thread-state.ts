import { BatchReader } from '@elbo/datasets/batch-reader';
import { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { SplitName } from '@elbo/protocol/messages';
import type { Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { createModel, type Model } from '@elbo/vae-core/models/model';
import { RandomStreams } from '@elbo/vae-core/random/streams';
import { floatsOf, type SharedFloats, type ThreadRun } from './messages.js';

/** What one thread keeps of one run: its engine's model, its own copy of the parameters, its kept buffers. */
export class ThreadState {
  readonly model: Model;
  readonly streams: RandomStreams;
  readonly reader: BatchReader;
  readonly gradient: Float32Array;
  readonly #parameters: Float32Array;
  #parameterVersion = -1;
  readonly #buffers = new Map<string, Float32Array>();
  #order: { epoch: number; indices: Uint32Array } | null = null;

  private constructor(
    readonly threadRun: ThreadRun,
    readonly engine: Engine,
  ) {
    const { run, dataset } = threadRun;
    this.model = createModel(run.spec.model, run.dataDim);
    this.streams = new RandomStreams(run.spec.seed);
    this.reader = new BatchReader(new PackedDataset(dataset, run.datasetHash), run.spec.dataset, this.streams);
    this.#parameters = new Float32Array(this.model.layout.length);
    this.gradient = new Float32Array(this.model.layout.length);
  }

  static async create(threadRun: ThreadRun): Promise<ThreadState> {
    return new ThreadState(threadRun, await loadEngine(threadRun.run.spec.engine));
  }

  /** This thread's copy of a version; engines want memory that is not shared. */
  parametersOf(version: number, shared: SharedFloats): Float32Array {
    if (version !== this.#parameterVersion) {
      this.#parameters.set(floatsOf(shared));
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

  /** A kept buffer for a purpose and a length. */
  buffer(purpose: string, length: number): Float32Array {
    const key = `${purpose}:${length}`;
    const kept = this.#buffers.get(key);
    if (kept) return kept;
    const buffer = new Float32Array(length);
    this.#buffers.set(key, buffer);
    return buffer;
  }
}
