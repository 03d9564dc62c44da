import { exitCodes } from '../exit-codes.js';

export interface StopSignals {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The exit code of the signal that came, or null. */
  readonly exitCode: () => number | null;
  /** Gives the signals back to Node. */
  release(): void;
}

const endPatienceMs = 3000;

/**
 * Ends a service whose work is done, and that something still keeps alive: BullMQ goes on asking a Redis that is away.
 */
export function endSoon(): void {
  setTimeout(() => process.exit(), endPatienceMs).unref();
}

/** Says on standard error what is done at the first signal. Below the line that a terminal echoes ^C into. */
export function saying(what: string): () => void {
  return () => process.stderr.write(`\nelbo: ${what}; once more ends at once\n`);
}

/** The first SIGINT or SIGTERM asks for an orderly end; a second one ends the process at once. */
export function stopOnSignals(onFirst: () => void = () => {}): StopSignals {
  const controller = new AbortController();
  let code: number | null = null;
  const stop = (signalCode: number): void => {
    if (code !== null) process.exit(signalCode);
    code = signalCode;
    onFirst();
    controller.abort();
  };
  const onInterrupt = (): void => stop(exitCodes.interrupted);
  const onTerminate = (): void => stop(exitCodes.terminated);
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    exitCode: () => code,
    release() {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
    },
  };
}
