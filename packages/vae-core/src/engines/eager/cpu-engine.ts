import '@tensorflow/tfjs-backend-cpu';

import tf = require('@tensorflow/tfjs-core');

import type { Engine } from '../engine.js';
import { createEngine } from '../program-engine.js';
import { prepareTfjs } from '../tfjs-runtime.js';
import { createEagerCompiler } from './eager-compiler.js';

/** TensorFlow.js in plain JavaScript: the reference that every other engine is compared with. */
export async function loadEngine(): Promise<Engine> {
  prepareTfjs();
  await tf.setBackend('cpu');
  return createEngine(createEagerCompiler('cpu', 'cpu'));
}
