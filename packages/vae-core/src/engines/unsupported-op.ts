import type { EngineName } from '@elbo/protocol/run-spec';
import { UnsupportedOpError } from './errors.js';

const missingKernel = /^Kernel '(\w+)' not registered for backend/;
const missingGradient = /^Cannot compute gradient: gradient function not found for (\w+)\./;

/** Runs tfjs code; where it fails for an op that is not there, the error names the engine and the op. */
export function namingUnsupportedOps<T>(engine: EngineName, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const kernel = missingKernel.exec(message)?.[1];
    if (kernel) throw new UnsupportedOpError(engine, kernel, 'it has no kernel for it', { cause: error });
    const gradient = missingGradient.exec(message)?.[1];
    if (gradient) {
      throw new UnsupportedOpError(engine, gradient, 'no gradient is registered for it (gradients.ts)', {
        cause: error,
      });
    }
    throw error;
  }
}
