import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';

// The package is CommonJS with a native addon: required, not imported, so that its absence is an error we can explain.
export const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;

export type Session = Ort.InferenceSession;
export type Tensors = Record<string, Ort.Tensor>;

export type SessionOptions = Ort.InferenceSession.SessionOptions;

export const sessionOptions: SessionOptions = {
  executionProviders: ['cpu'],
  // One thread for a session: its own threads spin and lose on a busy machine, and one thread gives the same bits always.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // The passes have optimised the graph already, and onnxruntime's own would fold transposes back into products.
  graphOptimizationLevel: 'disabled',
  // Errors only: its warnings go to standard error of whoever embeds us.
  logSeverityLevel: 3,
};

export function tensor(data: Float32Array, shape: readonly number[]): Ort.Tensor {
  return new ort.Tensor('float32', data, shape);
}
