import { createRequire } from 'node:module';
import path from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import tf = require('@tensorflow/tfjs-core');

import type { Engine } from '../engine.js';
import { EngineUnavailableError } from '../errors.js';
import { createEngine } from '../program-engine.js';
import { prepareTfjs } from '../tfjs-runtime.js';
import { createEagerCompiler } from './eager-compiler.js';

let loading: Promise<void> | undefined;

/** TensorFlow.js on WebAssembly: one thread (it has none on Node), with SIMD where the machine has it. */
export async function loadEngine(): Promise<Engine> {
  loading ??= initialise();
  await loading;
  return createEngine(createEagerCompiler('wasm', 'wasm'));
}

async function initialise(): Promise<void> {
  prepareTfjs();
  const require = createRequire(import.meta.url);
  // Relative to the page by default, which on Node is the current folder: name the package's own files instead.
  setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}${path.sep}`);
  if (!(await tf.setBackend('wasm'))) {
    throw new EngineUnavailableError(
      'wasm',
      'its WebAssembly module does not start',
      'Run npm ci again, and see that the machine has memory to spare',
    );
  }
}
