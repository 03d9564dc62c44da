import { createRequire } from 'node:module';
import util from 'node:util';
import { isMainThread } from 'node:worker_threads';

import tf = require('@tensorflow/tfjs-core');

import type { Engine } from '../engine.js';
import { EngineUnavailableError } from '../errors.js';
import { prepareProcess } from '../prepare-process.js';
import { createEngine } from '../program-engine.js';
import { prepareTfjs } from '../tfjs-runtime.js';
import { createEagerCompiler } from './eager-compiler.js';

const mend = 'Run npm run install:tfjs-node (Linux x86-64), or choose another engine';

/** The native TensorFlow binding, eager. Every thread that loads it has a backend of its own. */
export async function loadEngine(): Promise<Engine> {
  defineRemovedUtilities();
  if (isMainThread) prepareProcess();
  try {
    // Brings the union package @tensorflow/tfjs with it, on the same tfjs-core as ours.
    createRequire(import.meta.url)('@tensorflow/tfjs-node');
  } catch (error) {
    throw new EngineUnavailableError('tfjs-node', reasonOf(error), mend, { cause: error });
  } finally {
    prepareTfjs();
  }
  if (!(await tf.setBackend('tensorflow'))) {
    throw new EngineUnavailableError(
      'tfjs-node',
      'another copy of @tensorflow/tfjs-core took its backend',
      'Run npm dedupe @tensorflow/tfjs-core',
    );
  }
  return createEngine(createEagerCompiler('tfjs-node', 'tensorflow'));
}

/** The package calls functions of node:util that Node 23 removed. */
function defineRemovedUtilities(): void {
  const utilities = util as unknown as Record<string, unknown>;
  utilities.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  utilities.isArray ??= Array.isArray;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] as string) : String(error);
  return /tfjs_binding\.node/.test(message) ? 'its native addon is not installed' : message;
}
