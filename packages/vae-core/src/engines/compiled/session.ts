import { parameterView } from '../../parameter-layout.js';
import { elements, type NamedArrays, type Runner } from '../program-engine.js';
import type { Program } from '../programs.js';
import { ort, type SessionOptions, sessionOptions, type Tensors, tensor } from './onnxruntime.js';
import { runSession } from './outputs-in-place.js';
import { gradientName, parameterName } from './trace/trace.js';

export interface CompiledSession {
  readonly run: Runner;
  release(): Promise<void>;
}

/** Loads an ONNX model into onnxruntime, and runs it as the program that it was made from. */
export async function openSession(
  program: Program,
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<CompiledSession> {
  const session = await ort.InferenceSession.create(model, { ...sessionOptions, ...options });
  const wanted = new Set(session.inputNames);
  const kept: Record<string, Float32Array> = {};
  const outputs: Tensors = {};
  for (const [name, shape] of program.outputs) {
    kept[name] = new Float32Array(elements(shape));
    outputs[name] = tensor(kept[name], shape);
  }

  const parameters = new TensorCache((flat) => {
    const read = program.parameters.filter(({ name }) => wanted.has(parameterName(name)));
    return Object.fromEntries(
      read.map((entry) => [parameterName(entry.name), tensor(parameterView(flat, entry), entry.shape)]),
    );
  });
  const gradients = new TensorCache((flat) =>
    Object.fromEntries(
      program.parameters.map((entry) => [gradientName(entry.name), tensor(parameterView(flat, entry), entry.shape)]),
    ),
  );
  const inputs = program.inputs
    .filter(([name]) => wanted.has(name))
    .map(([name, shape]) => [name, new TensorCache((array) => ({ [name]: tensor(array, shape) }))] as const);

  return {
    async run(flat, arrays, gradient) {
      const feeds = Object.assign({}, parameters.of(flat));
      for (const [name, cache] of inputs) Object.assign(feeds, cache.of(arrays[name] as Float32Array));
      const fetches = gradient ? Object.assign({}, outputs, gradients.of(gradient)) : outputs;
      await runSession(session, feeds, fetches);
      return kept as NamedArrays;
    },
    release: () => session.release(),
  };
}

/** Tensors over a caller's array: views, made once for each array and forgotten with it. */
class TensorCache {
  readonly #tensors = new WeakMap<Float32Array, Tensors>();
  readonly #make: (array: Float32Array) => Tensors;

  constructor(make: (array: Float32Array) => Tensors) {
    this.#make = make;
  }

  of(array: Float32Array): Tensors {
    let tensors = this.#tensors.get(array);
    if (!tensors) {
      tensors = this.#make(array);
      this.#tensors.set(array, tensors);
    }
    return tensors;
  }
}
