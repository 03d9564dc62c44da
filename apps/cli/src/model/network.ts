import type { EngineName } from '@elbo/protocol/run-spec';
import type { BatchTerms, Engine } from '@elbo/vae-core/engines/engine';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { cutBySize, evaluationMicrobatchSize, type Range } from '@elbo/vae-core/steps/step-plan';
import type { Examples } from './examples.js';
import type { OpenedModel } from './open-model.js';

export interface Posteriors {
  /** [count, latentDim] */
  readonly posteriorMean: Float32Array;
  /** [count, latentDim] */
  readonly posteriorLogVar: Float32Array;
}

/** A trained model on an engine in this process: batch after batch, in order. */
export class Network {
  private constructor(
    readonly opened: OpenedModel,
    readonly engine: Engine,
  ) {}

  /** Whoever opens it closes it. @throws EngineUnavailableError */
  static async open(opened: OpenedModel, engineName?: EngineName): Promise<Network> {
    return new Network(opened, await loadEngine(engineName ?? opened.spec.engine));
  }

  /** Opens it, lends it to `use`, and frees the engine. @throws EngineUnavailableError */
  static async with<T>(
    opened: OpenedModel,
    engineName: EngineName | undefined,
    use: (network: Network) => Promise<T>,
  ): Promise<T> {
    const network = await Network.open(opened, engineName);
    try {
      return await use(network);
    } finally {
      await network.close();
    }
  }

  /** Frees the engine. */
  close(): Promise<void> {
    return this.engine.dispose();
  }

  /** The posteriors of x [count, dataDim]. */
  async encode(x: Float32Array): Promise<Posteriors> {
    const { model, parameters } = this.opened;
    const { dataDim, latentDim } = model;
    const count = x.length / dataDim;
    const posteriorMean = new Float32Array(count * latentDim);
    const posteriorLogVar = new Float32Array(count * latentDim);
    for (const { begin, end } of pieces(count)) {
      const encode = await this.engine.compileEncoder(model, end - begin);
      const posterior = await encode(parameters, x.slice(begin * dataDim, end * dataDim));
      posteriorMean.set(posterior.posteriorMean, begin * latentDim);
      posteriorLogVar.set(posterior.posteriorLogVar, begin * latentDim);
    }
    return { posteriorMean, posteriorLogVar };
  }

  /** The same for all of the examples, which are never in memory together. */
  async encodeAll(examples: Examples): Promise<Posteriors> {
    const { latentDim } = this.opened.model;
    const posteriorMean = new Float32Array(examples.count * latentDim);
    const posteriorLogVar = new Float32Array(examples.count * latentDim);
    for (const range of pieces(examples.count)) {
      const posterior = await this.encode(this.read(examples, range));
      posteriorMean.set(posterior.posteriorMean, range.begin * latentDim);
      posteriorLogVar.set(posterior.posteriorLogVar, range.begin * latentDim);
    }
    return { posteriorMean, posteriorLogVar };
  }

  /** The likelihood's mean at z [count, latentDim]. [count, dataDim] */
  async decode(z: Float32Array): Promise<Float32Array> {
    const { model, parameters } = this.opened;
    const { dataDim, latentDim } = model;
    const count = z.length / latentDim;
    const means = new Float32Array(count * dataDim);
    for (const { begin, end } of pieces(count)) {
      const decode = await this.engine.compileDecoder(model, end - begin);
      means.set(await decode(parameters, z.slice(begin * latentDim, end * latentDim)), begin * dataDim);
    }
    return means;
  }

  /** The terms of x [batch, dataDim] with epsilon [samples, batch, latentDim]; valid until the next call. */
  async terms(x: Float32Array, epsilon: Float32Array, samples: number): Promise<BatchTerms> {
    const { model, parameters } = this.opened;
    const evaluate = await this.engine.compileEvaluation(model, samples, x.length / model.dataDim);
    return evaluate({ parameters, x, epsilon });
  }

  /** [end - begin, dataDim] */
  read(examples: Examples, { begin, end }: Range): Float32Array {
    return this.readAt(
      examples,
      Array.from({ length: end - begin }, (_, i) => begin + i),
    );
  }

  readAt(examples: Examples, indices: readonly number[]): Float32Array {
    const x = new Float32Array(indices.length * this.opened.model.dataDim);
    examples.read(indices, x);
    return x;
  }
}

function pieces(count: number): Range[] {
  return cutBySize({ begin: 0, end: count }, evaluationMicrobatchSize);
}
