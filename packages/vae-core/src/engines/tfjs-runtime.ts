import tf = require('@tensorflow/tfjs-core');

import { registerGradients } from './gradients.js';

/** Readies this thread's TensorFlow.js: to be called after a backend's package has been loaded. */
export function prepareTfjs(): void {
  // Silences its banners ("Hi, looks like you are running TensorFlow.js in Node.js..."): standard output is ours.
  tf.enableProdMode();
  // Again for each backend: @tensorflow/tfjs-node brings gradients of its own.
  registerGradients();
}

/** A thread may hold several engines, and tfjs has one current backend: each run chooses its own. */
export function useBackend(backend: string): void {
  // Takes effect before its first await, because the backend has been initialised.
  if (tf.getBackend() !== backend) void tf.setBackend(backend);
}
