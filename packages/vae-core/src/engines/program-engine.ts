import type { EngineName } from '@elbo/protocol/run-spec';
import type { BatchTerms, Engine } from './engine.js';
import { EngineDisposedError, EngineInputError } from './errors.js';
import { decoderProgram, encoderProgram, evaluationProgram, gradientProgram, type Program } from './programs.js';

export type NamedArrays = Readonly<Record<string, Float32Array>>;

/**
 * A program made ready to run. Writes the gradient, where the program differentiates, into `gradient`; the outputs are
 * its own kept arrays, valid until its next run. Its arguments have the right lengths and are not shared memory.
 */
export type Runner = (parameters: Float32Array, inputs: NamedArrays, gradient?: Float32Array) => Promise<NamedArrays>;

/** What differs between engines: how a program becomes something that runs. */
export interface ProgramCompiler {
  readonly name: EngineName;
  compile(program: Program): Promise<Runner>;
  /** Frees everything that it compiled. */
  dispose(): Promise<void>;
}

/** The Engine of a compiler: caches what is compiled, and checks every array before it reaches a library. */
export function createEngine(compiler: ProgramCompiler): Engine {
  const runners = new Map<string, Promise<Runner>>();
  const functions = new Map<string, Promise<unknown>>();
  let disposed = false;

  const runner = (program: Program): Promise<Runner> =>
    remember(runners, program.key, async () => {
      const run = await compiler.compile(program);
      const lengths = [...program.inputs].map(([name, shape]) => [name, elements(shape)] as const);
      return (parameters, inputs, gradient) => {
        if (disposed) throw new EngineDisposedError(compiler.name);
        check(compiler.name, 'parameters', parameters, program.parametersLength);
        for (const [name, length] of lengths) check(compiler.name, name, inputs[name], length);
        if (program.differentiates) check(compiler.name, 'gradient', gradient, program.parametersLength);
        return run(parameters, inputs, gradient);
      };
    });

  /** The same function object for the same program, as the Engine interface promises. */
  const cached = <F>(program: Program, wrap: (run: Runner) => F): Promise<F> => {
    if (disposed) return Promise.reject(new EngineDisposedError(compiler.name));
    for (const [name, shape] of program.inputs) {
      // A mean of no samples is 0, NaN or what the memory held, by the engine.
      if (shape.every((size) => Number.isInteger(size) && size >= 1)) continue;
      const problem = `its shape is [${shape.join(', ')}], and each size is a whole number of at least 1`;
      return Promise.reject(new EngineInputError(compiler.name, name, problem));
    }
    return remember(functions, program.key, async () => wrap(await runner(program))) as Promise<F>;
  };

  return {
    name: compiler.name,
    compileGradient: (model, monteCarloSamples, batchSize) =>
      cached(gradientProgram(model, monteCarloSamples, batchSize), (run) => {
        const beta = new Float32Array(1);
        return async (inputs, gradient) => {
          beta[0] = inputs.beta;
          const { parameters, x, epsilon } = inputs;
          return terms(await run(parameters, { x, epsilon, beta }, gradient));
        };
      }),
    compileEvaluation: (model, monteCarloSamples, batchSize) =>
      cached(
        evaluationProgram(model, monteCarloSamples, batchSize),
        (run) =>
          async ({ parameters, x, epsilon }) =>
            terms(await run(parameters, { x, epsilon })),
      ),
    compileEncoder: (model, batchSize) =>
      cached(encoderProgram(model, batchSize), (run) => async (parameters, x) => {
        const { posteriorMean, posteriorLogVar } = await run(parameters, { x });
        return { posteriorMean: posteriorMean as Float32Array, posteriorLogVar: posteriorLogVar as Float32Array };
      }),
    compileDecoder: (model, batchSize) =>
      cached(decoderProgram(model, batchSize), (run) => async (parameters, z) => {
        const { likelihoodMean } = await run(parameters, { z });
        return likelihoodMean as Float32Array;
      }),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await Promise.allSettled(runners.values());
      await compiler.dispose();
    },
  };
}

function terms({ reconstructionLogProb, klDivergence }: NamedArrays): BatchTerms {
  return {
    reconstructionLogProb: reconstructionLogProb as Float32Array,
    klDivergence: klDivergence as Float32Array,
  };
}

/** A failed compilation is not remembered: the next call tries, and fails or succeeds, anew. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known) return known;
  const made = make();
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  return made;
}

function check(engine: EngineName, name: string, array: Float32Array | undefined, length: number): void {
  if (!(array instanceof Float32Array)) throw new EngineInputError(engine, name, 'it is not a Float32Array');
  if (array.length !== length) {
    throw new EngineInputError(engine, name, `it has ${array.length} elements, and the program wants ${length}`);
  }
  if (!(array.buffer instanceof ArrayBuffer)) {
    throw new EngineInputError(engine, name, 'it lies in shared memory; copy it into an ordinary Float32Array first');
  }
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
