import { rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../errors.js';

const everyMs = 5000;

/**
 * Writes a file anew every five seconds, until the returned function is called. A process whose event loop hangs lets
 * it grow old, and one that ended in order takes it away: a health check needs no more, and no port.
 * @throws UsageError when the file cannot be written
 */
export function keepLivenessFile(path: string): () => void {
  try {
    touch(path);
  } catch (error) {
    throw new UsageError(`--liveness-file: ${path} cannot be written (${(error as Error).message})`);
  }
  const timer = setInterval(() => {
    try {
      touch(path);
    } catch {
      // A full disk is no reason to stop computing: the file's age says what there is to say.
    }
  }, everyMs).unref();
  return () => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
}

function touch(path: string): void {
  writeFileSync(path, `${process.pid}\n`);
}
